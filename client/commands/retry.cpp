// SPDX-License-Identifier: MIT
// retry: submit anew what was set aside; print the new numbers.
#include "client/commands/ask.hpp"
#include "client/commands/json_output.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/session.hpp"
#include "common/exit_code.hpp"

namespace jobmill::commands {
namespace {

/// Answers the exit code.
int retry_one(Client& client, const CommonOptions& common, JobId job)
{
    const std::string old = std::to_string(number(job));
    const Answer answer = ask(client, client.retry_job(job));
    const auto* error = answer && *answer ? std::get_if<event::JobError>(&**answer) : nullptr;
    if (error != nullptr && error->error.code == error_code::not_found) {
        (void)(common.json && print_json(**answer, old));
        notice(old + ": no job of that number was set aside");
        return exit_code::job_failed;
    }
    if (const auto code = not_answered(common, answer, old)) {
        return *code;
    }
    const auto* accepted = std::get_if<event::Accepted>(&**answer);
    if (accepted == nullptr) {
        return failed({Errc::invalid, "the daemon did not answer the retry"});
    }
    return print_answer(common, **answer, std::to_string(number(accepted->job)) + "\n", old);
}

}  // namespace

int retry(const CommonOptions& common, const std::vector<std::string>& ids)
{
    const auto jobs = parse_jobs(ids);
    if (!jobs) {
        return misused(jobs.error());
    }
    auto client = open_session(common, false);
    if (!client) {
        return gave_up(client.error());
    }
    return do_to_each(*jobs, [&](JobId job) { return retry_one(*client, common, job); });
}

}  // namespace jobmill::commands
