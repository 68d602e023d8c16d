// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <optional>

#include "daemon/core/dispatcher.hpp"
#include "tests/support/describe.hpp"

namespace jobmill::core {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A dispatcher to talk to: what it asks for is the answer, but for the timer, which is kept.
class Conversation {
public:
    /// Workers hold as many jobs as they may, unless told otherwise.
    explicit Conversation(const Patience& patience = {.ahead = forever}) : dispatcher(patience) {}

    Effects on(const Event& event)
    {
        Effects effects;
        dispatcher.on(event, now, effects);
        std::erase_if(effects, [this](const Effect& effect) {
            if (const auto* offer = std::get_if<OfferJob>(&effect)) {
                offered[offer->job] = now;
            }
            if (const auto* timer = std::get_if<ArmTimer>(&effect)) {
                armed = timer->at;
                return true;
            }
            return false;
        });
        return effects;
    }

    /// Lets time pass and the timer fire.
    Effects after(Duration duration)
    {
        now += duration;
        armed.reset();
        return on(TimerFired{});
    }

    /// Pool 0 with that many ready workers, each in its first generation, in slots from 1.
    void serve(std::uint32_t workers, std::uint32_t depth = 1, const PoolTerms& terms = {})
    {
        on(PoolAdded{.pool = pool, .workers = workers, .depth = depth, .terms = terms});
        on(TemplateReady{.pool = pool});
        for (std::uint32_t slot = 1; slot <= workers; ++slot) {
            on(WorkerForked{.worker = worker(slot)});
            on(WorkerReady{.worker = worker(slot)});
        }
    }

    Effects submit(std::uint64_t job, std::uint64_t session = 1, bool detached = false)
    {
        return on(JobSubmitted{
            .job = JobId{job}, .session = SessionId{session}, .pool = pool, .detached = detached});
    }
    Effects submit(std::uint64_t job, const JobTerms& terms)
    {
        return on(
            JobSubmitted{.job = JobId{job}, .session = SessionId{1}, .pool = pool, .terms = terms});
    }
    /// A job that belongs to a batch.
    Effects submit(std::uint64_t job, BatchId batch)
    {
        return on(
            JobSubmitted{.job = JobId{job}, .session = SessionId{1}, .pool = pool, .batch = batch});
    }
    /// A job of a label with rules.
    Effects submit(std::uint64_t job, LabelId label)
    {
        return on(
            JobSubmitted{.job = JobId{job}, .session = SessionId{1}, .pool = pool, .label = label});
    }
    Effects cancel(std::uint64_t job) { return on(CancelRequested{.job = JobId{job}}); }
    Effects waive(std::uint64_t job)
    {
        return on(CancelRequested{.job = JobId{job}, .unless_running = true});
    }
    Effects finish(WorkerId from, std::uint64_t sequence, JobState state = JobState::succeeded)
    {
        return on(JobFinished{.worker = from, .sequence = Sequence{sequence}, .state = state});
    }
    Effects answer(WorkerId from, std::uint64_t sequence, bool won)
    {
        return on(ClaimRevoked{.worker = from, .sequence = Sequence{sequence}, .won = won});
    }
    Effects exit(WorkerId from) { return on(WorkerExited{.worker = from}); }

    static WorkerId worker(std::uint32_t slot, std::uint32_t generation = 1)
    {
        return {.slot = SlotId{slot}, .generation = generation};
    }
    static OfferJob offer(WorkerId to, std::uint64_t sequence, std::uint64_t job)
    {
        return {.worker = to, .sequence = Sequence{sequence}, .job = JobId{job}};
    }
    static RevokeClaim revoke(WorkerId from, std::uint64_t sequence)
    {
        return {.worker = from, .sequence = Sequence{sequence}};
    }
    static RaiseCancelFlag flag(WorkerId from, std::uint64_t sequence)
    {
        return {.worker = from, .sequence = Sequence{sequence}};
    }
    static ForkWorker fork(WorkerId which) { return {.pool = pool, .worker = which}; }
    [[nodiscard]] JobEnded ended(std::uint64_t job, JobState state, EndedBy by, WorkerId where = {},
                                 JobState was = JobState::running) const
    {
        return {.job = JobId{job},
                .state = state,
                .by = by,
                .worker = where,
                .offered = where == WorkerId{} ? TimePoint{} : offered.at(JobId{job}),
                .was = was};
    }

    static constexpr PoolId pool{0};
    Dispatcher dispatcher;
    TimePoint now{};
    std::optional<TimePoint> armed;
    std::map<JobId, TimePoint> offered;  ///< when each job was, last
};

}  // namespace jobmill::core
