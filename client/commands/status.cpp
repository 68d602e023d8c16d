// SPDX-License-Identifier: MIT
// status and handlers: documents of the daemon, as tables.
#include <algorithm>

#include "client/commands/ask.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/session.hpp"
#include "client/commands/status_table.hpp"
#include "common/exit_code.hpp"

namespace jobmill::commands {
namespace {

/// Jobs that were asked for and are not in the answer.
bool all_there(const std::vector<JobId>& jobs, const Value& status)
{
    const Value* listed = status.find("jobs");
    // Known, too, are those for which there was no room in the answer.
    const std::size_t count =
        (listed == nullptr || listed->array() == nullptr ? 0 : listed->array()->size()) +
        static_cast<std::size_t>(std::max<std::int64_t>(0, status.integer_at("more_jobs")));
    if (count >= jobs.size()) {
        return true;
    }
    notice(std::to_string(jobs.size() - count) + " of " + std::to_string(jobs.size()) +
           " jobs are not known (any more)");
    return false;
}

}  // namespace

int status(const CommonOptions& common, const std::vector<std::string>& ids)
{
    const auto jobs = parse_jobs(ids);
    if (!jobs) {
        return misused(jobs.error());
    }
    auto client = open_session(common, false);
    if (!client) {
        return gave_up(client.error());
    }
    const Answer answer = ask(*client, client->status(*jobs));
    if (const auto code = not_answered(common, answer)) {
        return *code;
    }
    const auto* status = std::get_if<event::Status>(&**answer);
    if (status == nullptr) {
        return failed({Errc::invalid, "the daemon did not answer with its status"});
    }
    const int code = print_answer(common, **answer, status_text(status->body));
    return code == exit_code::ok && !all_there(*jobs, status->body) ? exit_code::job_failed : code;
}

int handlers(const CommonOptions& common)
{
    auto client = open_session(common, false, Start::yes);
    if (!client) {
        return gave_up(client.error());
    }
    const Answer answer = ask(*client, client->handlers());
    if (const auto code = not_answered(common, answer)) {
        return *code;
    }
    const auto* handlers = std::get_if<event::Handlers>(&**answer);
    if (handlers == nullptr) {
        return failed({Errc::invalid, "the daemon did not answer with its handlers"});
    }
    return print_answer(common, **answer, handlers_text(handlers->body));
}

}  // namespace jobmill::commands
