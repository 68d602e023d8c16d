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

std::string text(EndedBy by)
{
    constexpr auto names =
        std::to_array<std::string_view>({"worker", "worker_death", "cancel_queued",
                                         "cancel_running", "stop_queued", "stop_running"});
    return " by " + std::string{names.at(static_cast<std::size_t>(by))};
}

std::string say(const PoolAdded& e)
{
    return "PoolAdded" + text(e.pool);
}
std::string say(const PoolResized& e)
{
    return "PoolResized" + text(e.pool) + " to " + std::to_string(e.workers);
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
    return "WorkerExited" + text(e.worker);
}
std::string say(const WorkerMisbehaved& e)
{
    return "WorkerMisbehaved" + text(e.worker);
}
std::string say(const JobSubmitted& e)
{
    return "JobSubmitted" + text(e.job) + text(e.pool);
}
std::string say(const CancelRequested& e)
{
    return "CancelRequested" + text(e.job);
}
std::string say(const SessionLost& e)
{
    return "SessionLost s" + std::to_string(number(e.session));
}
std::string say(const JobFinished& e)
{
    return "JobFinished" + text(e.worker) + text(e.sequence) + text(e.state);
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
    return "StopRequested " + std::to_string(e.grace.count()) + " ns";
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
    return "OfferJob" + text(e.worker) + text(e.sequence) + text(e.job);
}
std::string say(const RevokeClaim& e)
{
    return "RevokeClaim" + text(e.worker) + text(e.sequence);
}
std::string say(const RaiseCancelFlag& e)
{
    return "RaiseCancelFlag" + text(e.worker) + text(e.sequence);
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
std::string say(const JobEnded& e)
{
    return "JobEnded" + text(e.job) + text(e.state) + text(e.by) + text(e.worker);
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
