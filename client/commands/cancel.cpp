// SPDX-License-Identifier: MIT
// cancel: stop waiting, queued and running jobs, and say when they are gone.
#include "client/commands/arguments.hpp"
#include "client/commands/ask.hpp"
#include "client/commands/json_output.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/outcome.hpp"
#include "client/commands/session.hpp"
#include "common/exit_code.hpp"

namespace jobmill::commands {
namespace {

using Clock = std::chrono::steady_clock;

/// One job, or several that have something in common.
struct Target {
    std::string name;   ///< "121", "all", "batch night"
    std::string value;  ///< of a batch or label
    JobId job{};        ///< 0: several
    IfRunning running;
    Result<Tag> (*request)(Client&, const Target&);
};

Result<std::vector<Target>> targets_of(const CancelOptions& options)
{
    const IfRunning running = options.queued ? IfRunning::let_be : IfRunning::stop;
    JOBMILL_TRY(check_name("--batch", options.batch));
    JOBMILL_TRY(check_name("--label", options.label));
    std::vector<Target> targets;
    for (const std::string& word : options.ids) {
        if (word == "all") {
            targets.push_back({.name = word,
                               .value = {},
                               .running = running,
                               .request = [](Client& client, const Target& it) {
                                   return client.cancel_all(it.running);
                               }});
            continue;
        }
        JOBMILL_TRY_ASSIGN(const JobId job, parse_job(word));
        targets.push_back({.name = std::to_string(number(job)),
                           .value = {},
                           .job = job,
                           .running = running,
                           .request = [](Client& client, const Target& it) {
                               return client.cancel_job(it.job, it.running);
                           }});
    }
    if (!options.batch.empty()) {
        targets.push_back({.name = "batch " + options.batch,
                           .value = options.batch,
                           .running = running,
                           .request = [](Client& client, const Target& it) {
                               return client.cancel_batch(it.value, it.running);
                           }});
    }
    if (!options.label.empty()) {
        targets.push_back({.name = "label " + options.label,
                           .value = options.label,
                           .running = running,
                           .request = [](Client& client, const Target& it) {
                               return client.cancel_label(it.value, it.running);
                           }});
    }
    if (targets.empty()) {
        return fail(Errc::invalid, "cancel which jobs? Their numbers, all, --batch or --label");
    }
    return targets;
}

/// What became of a job that is not live, as far as the daemon still knows.
std::string why_not(Client& client, JobId job)
{
    const Answer answer = ask(client, client.status({job}));
    const auto* status = answer && *answer ? std::get_if<event::Status>(&**answer) : nullptr;
    const Value* jobs = status == nullptr ? nullptr : status->body.find("jobs");
    if (jobs == nullptr || jobs->array() == nullptr || jobs->array()->empty()) {
        return "no such unfinished job";
    }
    return "already " + std::string{jobs->array()->front().text_at("state")};
}

std::string line_of(const event::Cancelled& cancelled, const Target& target,
                    std::chrono::nanoseconds took)
{
    const std::string gone =
        "gone in " + duration_text(static_cast<std::uint64_t>(took.count())) + ")\n";
    if (number(target.job) != 0) {
        return target.name + " cancelled (was " + (cancelled.running > 0 ? "running" : "queued") +
               ", " + gone;
    }
    const std::string name = target.value.empty() ? "" : target.name + ": ";
    if (target.running == IfRunning::let_be) {
        return name + std::to_string(cancelled.queued) + " cancelled, " +
               std::to_string(cancelled.running) + " run and go on (" + gone;
    }
    return name + std::to_string(std::uint64_t{cancelled.queued} + cancelled.running) +
           " cancelled (" + std::to_string(cancelled.queued) + " queued, " +
           std::to_string(cancelled.running) + " running, " + gone;
}

bool is_not_found(const Answer& answer)
{
    const auto* error = answer && *answer ? std::get_if<event::JobError>(&**answer) : nullptr;
    return error != nullptr && error->error.code == error_code::not_found;
}

/// Answers the exit code.
int cancel_one(Client& client, const CommonOptions& common, const Target& target)
{
    const auto start = Clock::now();
    const Answer answer = ask(client, target.request(client, target));
    if (is_not_found(answer)) {
        (void)(common.json && print_json(**answer, target.name));
        notice(target.name + ": " +
               (number(target.job) == 0 ? "no unfinished jobs" : why_not(client, target.job)));
        return exit_code::job_failed;
    }
    if (const auto code = not_answered(common, answer, target.name)) {
        return *code;
    }
    const auto* cancelled = std::get_if<event::Cancelled>(&**answer);
    if (cancelled == nullptr) {
        return failed({Errc::invalid, "the daemon did not answer the cancel"});
    }
    if (number(target.job) != 0 && target.running == IfRunning::let_be && cancelled->running > 0) {
        (void)(common.json && print_json(**answer, target.name));
        notice(target.name + ": it runs, and goes on");
        return exit_code::job_failed;
    }
    return print_answer(common, **answer, line_of(*cancelled, target, Clock::now() - start),
                        target.name);
}

}  // namespace

int cancel(const CommonOptions& common, const CancelOptions& options)
{
    const auto targets = targets_of(options);
    if (!targets) {
        return misused(targets.error());
    }
    auto client = open_session(common, false);
    if (!client) {
        return gave_up(client.error());
    }
    return do_to_each(*targets,
                      [&](const Target& target) { return cancel_one(*client, common, target); });
}

}  // namespace jobmill::commands
