// SPDX-License-Identifier: MIT
#include "client/commands/status_table.hpp"

#include <algorithm>

#include "client/commands/outcome.hpp"
#include "common/utf8.hpp"

namespace jobmill::commands {
namespace {

using Row = std::vector<std::string>;

/// Columns two spaces apart, the last one as it is.
std::string aligned(const std::vector<Row>& rows)
{
    std::vector<std::size_t> widths;
    for (const Row& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], row[i].size());
        }
    }
    std::string text;
    for (const Row& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            line.append(widths[i] - row[i].size() + 2, ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

const Array& list_at(const Value& value, std::string_view key)
{
    static const Array none;
    const Value* found = value.find(key);
    return found == nullptr || found->array() == nullptr ? none : *found->array();
}

std::string text_at(const Value& value, std::string_view key)
{
    return escaped(value.text_at(key));
}

std::string number_at(const Value& value, std::string_view key)
{
    return std::to_string(value.integer_at(key));
}

std::string age_text(const Value& value, std::string_view key)
{
    if (value.find(key) == nullptr) {
        return "-";
    }
    const double ms = std::max(0.0, value.real_at(key));
    std::string text = duration_text(static_cast<std::uint64_t>(std::min(ms, 1e12) * 1e6));
    std::erase(text, ' ');
    return text;
}

std::string pools_text(const Value& status)
{
    std::vector<Row> rows{
        {"POOL", "WORKERS", "BUSY", "QUEUED", "DONE", "FAILED", "CRASHED", "RESTARTS"}};
    std::string errors;
    for (const Value& pool : list_at(status, "pools")) {
        const bool retiring = pool.text_at("state") == "retiring";
        rows.push_back(
            {text_at(pool, "name") + (retiring ? " (retiring)" : ""), number_at(pool, "workers"),
             number_at(pool, "busy"), number_at(pool, "queued"), number_at(pool, "done"),
             number_at(pool, "failed"), number_at(pool, "crashed"), number_at(pool, "restarts")});
        if (!pool.text_at("error").empty()) {
            errors += text_at(pool, "name") + ": " + text_at(pool, "error") + "\n";
        }
    }
    return aligned(rows) + errors;
}

std::string jobs_text(const Value& status)
{
    const Array& jobs = list_at(status, "jobs");
    if (jobs.empty()) {
        return {};
    }
    std::vector<Row> rows{{"ID", "STATE", "AGE", "POOL", "HANDLER", "LABEL"}};
    for (const Value& job : jobs) {
        // Numbers of jobs are text in JSON and numbers in MessagePack.
        const std::string id =
            job.text_at("job").empty() ? number_at(job, "job") : text_at(job, "job");
        rows.push_back({id, text_at(job, "state"), age_text(job, "age_ms"), text_at(job, "pool"),
                        text_at(job, "handler"), text_at(job, "label")});
    }
    std::string text = aligned(rows);
    if (const auto more = status.integer_at("more_jobs"); more > 0) {
        text += "and " + std::to_string(more) + " more\n";
    }
    return text;
}

}  // namespace

std::string status_text(const Value& status)
{
    std::string text = "jobmilld " + text_at(status, "version") + "  pid " +
                       number_at(status, "pid") + "  up " + age_text(status, "uptime_ms") + "  " +
                       text_at(status, "socket") + "\n";
    // In a daemon of one's own that is no news.
    if (const Value* system = status.find("system"); system != nullptr && *system == Value{true}) {
        text += "the system's daemon: jobs run as " + text_at(status, "user") + " (uid " +
                number_at(status, "uid") + ")\n";
    }
    return text + pools_text(status) + jobs_text(status);
}

std::string handlers_text(const Value& handlers)
{
    std::vector<Row> rows{{"POOL", "HANDLER", "HELP"}};
    for (const Value& pool : list_at(handlers, "pools")) {
        for (const Value& handler : list_at(pool, "handlers")) {
            rows.push_back(
                {text_at(pool, "name"), text_at(handler, "name"), text_at(handler, "help")});
        }
    }
    return aligned(rows);
}

}  // namespace jobmill::commands
