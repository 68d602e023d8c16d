// SPDX-License-Identifier: MIT
#include "tests/support/describe.hpp"

#include <array>
#include <string_view>

namespace jobmill::core {

namespace {

std::string text(WorkerId worker)
{
    return " w" + std::to_string(number(worker.slot)) + "." + std::to_string(worker.generation);
}

std::string text(PoolId pool)
{
    return " pool" + std::to_string(number(pool));
}

std::string text(Sequence sequence)
{
    return " #" + std::to_string(number(sequence));
}

std::string text(JobId job)
{
    return " job" + std::to_string(number(job));
}

std::string text(JobState state)
{
    return " " + std::string{name_of(state)};
}

std::string text(LabelId label)
{
    return " label" + std::to_string(number(label));
}

std::string text(BatchId batch)
{
    return " batch" + std::to_string(number(batch));
}

std::string text(SessionId session)
{
    return " session" + std::to_string(number(session));
}

std::string text(EndedBy by)
{
    constexpr auto names =
        std::to_array<std::string_view>({"worker", "worker_death", "limit", "timeout", "hang",
                                         "deadline", "cancel", "halt", "stop"});
    return " by " + std::string{names.at(static_cast<std::size_t>(by))};
}

std::string text(Duration duration)
{
    return duration == forever ? " unlimited" : " " + std::to_string(duration.count()) + " ns";
}

std::string bound(const char* name, std::uint32_t value)
{
    return value == no_bound ? "" : std::string{name} + std::to_string(value);
}

std::string text(const PoolTerms& terms)
{
    return bound(" min ", terms.min_workers) + " idle" + text(terms.idle_timeout) +
           bound(" cap ", terms.max_running) + bound(" poison ", terms.poison_after) +
           bound(" recycle ", terms.recycle_jobs) + " at" + text(terms.recycle_age) +
           bound(" lent ", terms.max_lent);
}

std::string text(const JobTerms& terms)
{
    return " priority " + std::to_string(terms.priority) + (terms.spoils_worker ? " spoils" : "") +
           (terms.alone ? " alone" : "") + " retries " + std::to_string(terms.retry_crash) + "/" +
           std::to_string(terms.retry_timeout) + "/" + std::to_string(terms.retry_failure) +
           " delay" + text(terms.delay) + " queue" + text(terms.queue_timeout) + " run" +
           text(terms.run_timeout) + " backoff" + text(terms.backoff) + " to" +
           text(terms.longest_backoff);
}

std::string say(const PoolAdded& e)
{
    return "PoolAdded" + text(e.pool) + " workers " + std::to_string(e.workers) + " depth " +
           std::to_string(e.depth) + text(e.terms);
}
std::string say(const PoolResized& e)
{
    return "PoolResized" + text(e.pool) + " to " + std::to_string(e.workers);
}
std::string say(const PoolAdjusted& e)
{
    return "PoolAdjusted" + text(e.pool) + text(e.terms);
}
std::string say(const LabelAdjusted& e)
{
    return "LabelAdjusted" + text(e.label) + bound(" cap ", e.max_running) + " weight " +
           std::to_string(e.weight);
}
std::string say(const CapAdjusted& e)
{
    return "CapAdjusted" + bound(" ", e.max_running);
}
std::string say(const MemoryJudged& e)
{
    return std::string{"MemoryJudged "} + (e.low ? "low" : "enough");
}
std::string say(const PoolSuspended& e)
{
    return "PoolSuspended" + text(e.pool) + (e.suspended ? "" : " no longer");
}
std::string say(const HandlerSucceeded& e)
{
    return "HandlerSucceeded" + text(e.pool) + " handler " + std::to_string(e.handler) + " by" +
           text(e.to) + " handler " + std::to_string(e.to_handler);
}
std::string say(const PoolRetired& e)
{
    return "PoolRetired" + text(e.pool);
}
std::string say(const TemplateSilent& e)
{
    return "TemplateSilent" + text(e.pool);
}
std::string say(const JobMoved& e)
{
    return "JobMoved" + text(e.job) + " to" + text(e.to);
}
std::string say(const TemplateReady& e)
{
    return "TemplateReady" + text(e.pool);
}
std::string say(const TemplateLost& e)
{
    return "TemplateLost" + text(e.pool);
}
std::string say(const WorkerForked& e)
{
    return "WorkerForked" + text(e.worker);
}
std::string say(const ForkFailed& e)
{
    return "ForkFailed" + text(e.worker);
}
std::string say(const WorkerReady& e)
{
    return "WorkerReady" + text(e.worker);
}
std::string say(const WorkerExited& e)
{
    return "WorkerExited" + text(e.worker) + (e.by_limit ? " by limit" : "");
}
std::string say(const WorkerMisbehaved& e)
{
    return "WorkerMisbehaved" + text(e.worker);
}
std::string say(const WorkerHung& e)
{
    return "WorkerHung" + text(e.worker);
}
std::string say(const WorkerWorn& e)
{
    return "WorkerWorn" + text(e.worker);
}
std::string say(const JobDeaf& e)
{
    return "JobDeaf" + text(e.worker) + text(e.sequence);
}
std::string say(const JobSubmitted& e)
{
    return "JobSubmitted" + text(e.job) + text(e.pool) + text(e.session) + " user" +
           std::to_string(number(e.user)) + text(e.label) + text(e.batch) +
           (number(e.parent) == 0 ? "" : " for" + text(e.parent)) +
           (e.detached ? " detached" : "") + (e.more ? " more" : "") + text(e.terms);
}
std::string say(const SubmitsHeard& e)
{
    return "SubmitsHeard" + text(e.pool);
}
std::string say(const CancelRequested& e)
{
    return "CancelRequested" + text(e.job) + (e.unless_running ? " unless it runs" : "");
}
std::string say(const JobRelabelled& e)
{
    return "JobRelabelled" + text(e.job) + text(e.label);
}
std::string say(const BatchOpened& e)
{
    return "BatchOpened" + text(e.batch) + (e.halt.now ? " now " : " soon ") +
           std::to_string(e.halt.fail) + (e.halt.percent ? "%" : "");
}
std::string say(const BatchClosed& e)
{
    return "BatchClosed" + text(e.batch);
}
std::string say(const SessionLost& e)
{
    return "SessionLost" + text(e.session);
}
std::string say(const SessionBehind& e)
{
    return "SessionBehind" + text(e.session) + (e.behind ? " behind" : " caught up");
}
std::string say(const UserSuspended& e)
{
    return "UserSuspended " + std::to_string(number(e.user)) +
           (e.suspended ? " suspended" : " let go");
}
std::string say(const JobPaused& e)
{
    return "JobPaused" + text(e.job) + (e.paused ? " paused" : " goes on") +
           (e.for_long ? " for long" : "");
}
std::string say(const JobFinished& e)
{
    return "JobFinished" + text(e.worker) + text(e.sequence) + text(e.state) + text(e.cpu) +
           (e.more ? " more" : "");
}
std::string say(const WordsHeard& e)
{
    return "WordsHeard" + text(e.worker);
}
std::string say(const ClaimRevoked& e)
{
    return "ClaimRevoked" + text(e.worker) + text(e.sequence) + (e.won ? " won" : " lost");
}
std::string say(const TimerFired& /*e*/)
{
    return "TimerFired";
}
std::string say(const StopRequested& e)
{
    return "StopRequested" + text(e.grace);
}
std::string say(const StopNow& /*e*/)
{
    return "StopNow";
}

std::string say(const StartTemplate& e)
{
    return "StartTemplate" + text(e.pool);
}
std::string say(const DismissTemplate& e)
{
    return "DismissTemplate" + text(e.pool);
}
std::string say(const KillTemplate& e)
{
    return "KillTemplate" + text(e.pool);
}
std::string say(const PoolGone& e)
{
    return "PoolGone" + text(e.pool);
}
std::string say(const ForkWorker& e)
{
    return "ForkWorker" + text(e.pool) + text(e.worker);
}
std::string say(const OfferJob& e)
{
    return "OfferJob" + text(e.worker) + text(e.sequence) + text(e.job) + " attempt " +
           std::to_string(e.attempt);
}
std::string say(const RevokeClaim& e)
{
    return "RevokeClaim" + text(e.worker) + text(e.sequence);
}
std::string say(const RaiseCancelFlag& e)
{
    return "RaiseCancelFlag" + text(e.worker) + text(e.sequence);
}
std::string say(const CollectWords& e)
{
    return "CollectWords" + text(e.worker);
}
std::string say(const HearOut& e)
{
    return "HearOut" + text(e.worker);
}
std::string say(const TakeStack& e)
{
    return "TakeStack" + text(e.worker);
}
std::string say(const DismissWorker& e)
{
    return "DismissWorker" + text(e.worker);
}
std::string say(const TerminateWorker& e)
{
    return "TerminateWorker" + text(e.worker);
}
std::string say(const KillWorker& e)
{
    return "KillWorker" + text(e.worker);
}
std::string say(const CondemnWorker& e)
{
    return "CondemnWorker" + text(e.worker);
}
std::string say(const JobEnded& e)
{
    return "JobEnded" + text(e.job) + text(e.state) + text(e.by) + " was" + text(e.was) +
           text(e.worker) + " attempt " + std::to_string(e.attempt) + (e.poison ? " poison" : "");
}
std::string say(const JobRetried& e)
{
    return "JobRetried" + text(e.job) + text(e.state) + text(e.by) + text(e.worker) + " attempt " +
           std::to_string(e.attempt) + " after" + text(e.delay);
}
std::string say(const JobHandedOver& e)
{
    return "JobHandedOver" + text(e.job) + " to" + text(e.to) + " handler " +
           std::to_string(e.handler);
}
std::string say(const JobLetBe& e)
{
    return "JobLetBe" + text(e.job);
}
std::string say(const BatchHalted& e)
{
    return "BatchHalted" + text(e.batch);
}
std::string say(const PoolJudged& e)
{
    return "PoolJudged" + text(e.pool) + (e.degraded ? " degraded" : " healthy");
}
std::string say(const ArmTimer& e)
{
    return "ArmTimer " + std::to_string(e.at.time_since_epoch().count()) + " ns";
}
std::string say(const Stopped& /*e*/)
{
    return "Stopped";
}

}  // namespace

std::string text_of(const Event& event)
{
    return std::visit([](const auto& happened) { return say(happened); }, event);
}

std::string text_of(const Effect& effect)
{
    return std::visit([](const auto& asked) { return say(asked); }, effect);
}

std::string text_of(const Effects& effects)
{
    std::string text = "{";
    for (const Effect& effect : effects) {
        text += "\n    " + text_of(effect);
    }
    return text + "}";
}

}  // namespace jobmill::core
