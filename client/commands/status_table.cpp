// SPDX-License-Identifier: MIT
#include "client/commands/status_table.hpp"

#include <algorithm>

#include "client/commands/cause_text.hpp"
#include "client/commands/text_table.hpp"
#include "common/utf8.hpp"

namespace jobmill::commands {
namespace {

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

std::string age_at(const Value& value, std::string_view key)
{
    return value.find(key) == nullptr ? "-" : age_text(value.real_at(key));
}

std::string size_at(const Value& value, std::string_view key)
{
    constexpr std::int64_t mebibyte = std::int64_t{1} << 20U;
    return std::to_string(value.integer_at(key) / mebibyte) + " MiB";
}

bool truth_at(const Value& value, std::string_view key)
{
    const Value* found = value.find(key);
    return found != nullptr && *found == Value{true};
}

/// Numbers of jobs are text in JSON and numbers in MessagePack.
std::string job_at(const Value& value)
{
    return value.text_at("job").empty() ? number_at(value, "job") : text_at(value, "job");
}

/// A number, or a word such as "unlimited".
std::string limit_at(const Value& value, std::string_view key)
{
    const Value* found = value.find(key);
    if (found == nullptr) {
        return "-";
    }
    return found->text() != nullptr ? escaped(*found->text()) : number_at(value, key);
}

std::string marks_of(const Value& pool)
{
    std::string marks;
    const auto mark = [&](bool set, const char* name) {
        if (set) {
            marks += (marks.empty() ? " (" : ", ") + std::string{name};
        }
    };
    mark(pool.text_at("state") == "retiring", "retiring");
    mark(truth_at(pool, "degraded"), "degraded");
    mark(!pool.text_at("paused").empty(), "paused");
    return marks.empty() ? "" : marks + ")";
}

/// Sentences about a pool that is not as it should be.
std::string troubles_of(const Value& pool)
{
    const std::string name = text_at(pool, "name") + ": ";
    std::string text;
    if (truth_at(pool, "degraded")) {
        text += name + "its workers die one after another; few are tried until one lives\n";
    }
    if (const std::string paused = text_at(pool, "paused"); paused == "memory") {
        text += name + "no job begins, as the machine is short of memory\n";
    } else if (!paused.empty()) {
        text += name + "no job begins: " + paused + "\n";
    }
    if (pool.integer_at("condemned") > 0) {
        text += name + number_at(pool, "condemned") + " of its workers cannot be killed\n";
    }
    if (!pool.text_at("error").empty()) {
        text += name + text_at(pool, "error") + "\n";
    }
    return text;
}

/// How many more there are than are listed.
std::string more_text(const Value& status, std::string_view key)
{
    const std::int64_t more = status.integer_at(key);
    return more > 0 ? "and " + std::to_string(more) + " more\n" : "";
}

/// Nothing when there is nothing.
std::string with_more(const TextTable& table, const Value& status, std::string_view key)
{
    return (table.empty() ? "" : table.text()) + more_text(status, key);
}

std::string pools_text(const Value& status)
{
    TextTable table{{{"POOL"},
                     {"WORKERS"},
                     {"BUSY"},
                     {"LENT", true},
                     {"WAITING", true},
                     {"QUEUED"},
                     {"DONE"},
                     {"FAILED"},
                     {"CRASHED"},
                     {"TIMED-OUT", true},
                     {"EXPIRED", true},
                     {"CANCELLED", true},
                     {"RETRIED", true},
                     {"RESTARTS"}}};
    std::string troubles;
    for (const Value& pool : list_at(status, "pools")) {
        table.add({text_at(pool, "name") + marks_of(pool), number_at(pool, "workers"),
                   number_at(pool, "busy"), number_at(pool, "lent"), number_at(pool, "waiting"),
                   number_at(pool, "queued"), number_at(pool, "succeeded"),
                   number_at(pool, "failed"), number_at(pool, "crashed"),
                   number_at(pool, "timed_out"), number_at(pool, "expired"),
                   number_at(pool, "cancelled"), number_at(pool, "retried"),
                   number_at(pool, "restarts")});
        troubles += troubles_of(pool);
    }
    return table.text() + more_text(status, "more_pools") + troubles;
}

std::string memory_text(const Value& status)
{
    const Value* memory = status.find("memory");
    if (memory == nullptr || !truth_at(*memory, "low")) {
        return {};
    }
    return "memory: " + size_at(*memory, "available") + " available, " +
           size_at(*memory, "min_free") + " are to stay free\n";
}

/// Attempts are told from the second on.
std::string attempt_at(const Value& job)
{
    return job.integer_at("attempt") > 1 ? number_at(job, "attempt") : "-";
}

std::string jobs_text(const Value& status)
{
    TextTable table{{{"ID"},
                     {"STATE"},
                     {"AGE"},
                     {"PRIORITY", true},
                     {"ATTEMPT", true},
                     {"POOL"},
                     {"HANDLER"},
                     {"BATCH", true},
                     {"LABEL"}}};
    for (const Value& job : list_at(status, "jobs")) {
        table.add({job_at(job), text_at(job, "state"), age_at(job, "age_ms"),
                   number_at(job, "priority"), attempt_at(job), text_at(job, "pool"),
                   text_at(job, "handler"), text_at(job, "batch"), text_at(job, "label")});
    }
    return with_more(table, status, "more_jobs");
}

std::string batches_text(const Value& status)
{
    TextTable table{{{"BATCH"},
                     {"SUBMITTED"},
                     {"WAITING", true},
                     {"QUEUED"},
                     {"RUNNING"},
                     {"SUCCEEDED"},
                     {"FAILED"},
                     {"CANCELLED", true},
                     {"STATE", true}}};
    for (const Value& batch : list_at(status, "batches")) {
        table.add({text_at(batch, "batch"), number_at(batch, "submitted"),
                   number_at(batch, "waiting"), number_at(batch, "queued"),
                   number_at(batch, "running"), number_at(batch, "succeeded"),
                   number_at(batch, "failed"), number_at(batch, "cancelled"),
                   truth_at(batch, "halted") ? "given up" : ""});
    }
    return with_more(table, status, "more_batches");
}

std::string labels_text(const Value& status)
{
    TextTable table{{{"LABEL"}, {"RUNNING"}, {"AT-MOST"}, {"WEIGHT"}}};
    for (const Value& label : list_at(status, "labels")) {
        table.add({text_at(label, "label"), number_at(label, "running"),
                   limit_at(label, "max_running"), limit_at(label, "weight")});
    }
    return with_more(table, status, "more_labels");
}

std::string cause_at(const Value& job)
{
    const Value* found = job.find("cause");
    if (found == nullptr) {
        return {};
    }
    if (found->text() != nullptr) {
        return escaped(*found->text());
    }
    Cause cause;
    cause.kind = found->text_at("kind");
    cause.text = found->text_at("text");
    cause.signal = found->text_at("signal");
    cause.limit = found->text_at("limit");
    cause.out_of_memory = truth_at(*found, "oom");
    cause.exit_code = static_cast<int>(found->integer_at("exit_code"));
    return escaped(cause_text(cause));
}

std::string poison_text(const Value& status)
{
    TextTable table{{{"SET-ASIDE"}, {"AGE"}, {"POOL"}, {"HANDLER"}, {"LABEL", true}, {"CAUSE"}}};
    for (const Value& job : list_at(status, "poison")) {
        table.add({job_at(job), age_at(job, "age_ms"), text_at(job, "pool"),
                   text_at(job, "handler"), text_at(job, "label"), cause_at(job)});
    }
    return with_more(table, status, "more_poison");
}

}  // namespace

std::string status_text(const Value& status)
{
    std::string text = "jobmilld " + text_at(status, "version") + "  pid " +
                       number_at(status, "pid") + "  up " + age_at(status, "uptime_ms") + "  " +
                       text_at(status, "socket") + "\n";
    // In a daemon of one's own that is no news.
    if (truth_at(status, "system")) {
        text += "the system's daemon: jobs run as " + text_at(status, "user") + " (uid " +
                number_at(status, "uid") + ")\n";
    }
    return text + memory_text(status) + pools_text(status) + batches_text(status) +
           labels_text(status) + jobs_text(status) + poison_text(status);
}

std::string shares_text(const Value& shares)
{
    TextTable pools{{{"POOL"}, {"AT-MOST"}, {"WEIGHT"}}};
    for (const Value& pool : list_at(shares, "pools")) {
        pools.add({text_at(pool, "name"), limit_at(pool, "max_running"), limit_at(pool, "weight")});
    }
    TextTable labels{{{"LABEL"}, {"AT-MOST"}, {"WEIGHT"}}};
    for (const Value& label : list_at(shares, "labels")) {
        labels.add(
            {text_at(label, "label"), limit_at(label, "max_running"), limit_at(label, "weight")});
    }
    return "at most, of all: " + limit_at(shares, "max_running") + "\n" + pools.text() +
           (labels.empty() ? "" : labels.text());
}

std::string handlers_text(const Value& handlers)
{
    TextTable table{{{"POOL"}, {"HANDLER"}, {"HELP"}}};
    for (const Value& pool : list_at(handlers, "pools")) {
        for (const Value& handler : list_at(pool, "handlers")) {
            table.add({text_at(pool, "name"), text_at(handler, "name"), text_at(handler, "help")});
        }
    }
    return table.text();
}

}  // namespace jobmill::commands
