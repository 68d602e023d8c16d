// SPDX-License-Identifier: MIT
// cancel: stop queued and running jobs, and say when they are gone.
#include "client/commands/json_output.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/outcome.hpp"
#include "client/commands/output.hpp"
#include "client/commands/session.hpp"
#include "common/exit_code.hpp"

namespace jobmill::commands {
namespace {

using Clock = std::chrono::steady_clock;

/// What became of a job that is not live, as far as the daemon still knows.
std::string why_not(Client& client, JobId job)
{
    const auto tag = client.status({job});
    const auto answer = tag ? client.answer(*tag) : Result<ClientEvent>{fail(Errc::closed, "")};
    const auto* status = answer ? std::get_if<event::Status>(&*answer) : nullptr;
    const Value* jobs = status == nullptr ? nullptr : status->body.find("jobs");
    if (jobs == nullptr || jobs->array() == nullptr || jobs->array()->empty()) {
        return "no such unfinished job";
    }
    return "already " + std::string{jobs->array()->front().text_at("state")};
}

std::string plural(std::uint64_t count, std::string_view what)
{
    return std::to_string(count) + " " + std::string{what};
}

std::string line_of(const event::Cancelled& cancelled, const std::string& word,
                    std::chrono::nanoseconds took)
{
    const std::string gone =
        "gone in " + duration_text(static_cast<std::uint64_t>(took.count())) + ")\n";
    if (word == "all") {
        return plural(std::uint64_t{cancelled.queued} + cancelled.running, "cancelled (") +
               plural(cancelled.queued, "queued, ") + plural(cancelled.running, "running, ") + gone;
    }
    return word + " cancelled (was " + (cancelled.running > 0 ? "running" : "queued") + ", " + gone;
}

/// Whether something was cancelled.
Result<bool> cancel_one(Client& client, const CommonOptions& common, const std::string& word)
{
    const auto start = Clock::now();
    JobId job{};
    if (word != "all") {
        JOBMILL_TRY_ASSIGN(job, parse_job(word));
    }
    JOBMILL_TRY_ASSIGN(const Tag tag, word == "all" ? client.cancel_all() : client.cancel_job(job));
    const auto answer = client.answer(tag);
    if (!answer && answer.error().code != Errc::not_found) {
        return tl::unexpected<Error>(answer.error());
    }
    if (!answer) {
        notice(word + ": " + (word == "all" ? "no unfinished jobs" : why_not(client, job)));
        return false;
    }
    const auto* cancelled = std::get_if<event::Cancelled>(&*answer);
    if (cancelled == nullptr) {
        return fail(Errc::invalid, "the daemon did not answer the cancel");
    }
    if (common.json) {
        return print_json(*answer, word);
    }
    return write_all(standard_output, bytes_of(line_of(*cancelled, word, Clock::now() - start)));
}

}  // namespace

int cancel(const CommonOptions& common, const std::vector<std::string>& ids)
{
    auto client = open_session(common, false);
    if (!client) {
        return no_session(client.error());
    }
    int code = exit_code::ok;
    for (const std::string& word : ids) {
        const auto done = cancel_one(*client, common, word);
        if (!done) {
            return failed(done.error());
        }
        if (!*done) {
            code = exit_code::job_failed;
        }
    }
    return code;
}

}  // namespace jobmill::commands
