// SPDX-License-Identifier: MIT
// The inside of the Dispatcher, for daemon/core/dispatcher*.cpp alone.
#pragma once

#include <vector>

#include "daemon/core/assignments.hpp"
#include "daemon/core/dispatcher.hpp"

namespace jobmill::core {

/// serving → draining (StopRequested) → ending (grace over, or StopNow) → stopped.
enum class DaemonLife : std::uint8_t { serving, draining, ending, stopped };

/// Routes each event to the book of jobs, to the workforce, or to where they meet; and leads the
/// daemon to its end.
struct Dispatcher::State {
    State(const Patience& its_patience, std::uint64_t seed)
        : patience(its_patience),
          workforce(patience),
          book(workforce.slots(), patience),
          assignments(workforce, book, patience, seed)
    {
    }

    void handle(const PoolAdded& event, Turn& turn);
    void handle(const PoolResized& event, Turn& turn);
    void handle(const PoolAdjusted& event, Turn& turn);
    void handle(const LabelAdjusted& event, Turn& turn);
    void handle(const CapAdjusted& event, Turn& turn);
    void handle(const MemoryJudged& event, Turn& turn);
    void handle(const PoolSuspended& event, Turn& turn);
    void handle(const HandlerSucceeded& event, Turn& turn);
    void handle(const PoolRetired& event, Turn& turn);
    void handle(const TemplateReady& event, Turn& turn);
    void handle(const TemplateLost& event, Turn& turn);
    void handle(const TemplateSilent& event, Turn& turn);
    void handle(const WorkerForked& event, Turn& turn);
    void handle(const ForkFailed& event, Turn& turn);
    void handle(const WorkerReady& event, Turn& turn);
    void handle(const WorkerExited& event, Turn& turn);
    void handle(const WorkerMisbehaved& event, Turn& turn);
    void handle(const WorkerHung& event, Turn& turn);
    void handle(const WorkerWorn& event, Turn& turn);
    void handle(const JobDeaf& event, Turn& turn);
    void handle(const JobSubmitted& event, Turn& turn);
    void handle(const SubmitsHeard& event, Turn& turn);
    void handle(const CancelRequested& event, Turn& turn);
    void handle(const JobMoved& event, Turn& turn);
    void handle(const JobRelabelled& event, Turn& turn);
    void handle(const BatchOpened& event, Turn& turn);
    void handle(const BatchClosed& event, Turn& turn);
    void handle(const SessionLost& event, Turn& turn);
    void handle(const SessionBehind& event, Turn& turn);
    void handle(const UserSuspended& event, Turn& turn);
    void handle(const JobPaused& event, Turn& turn);
    void handle(const JobFinished& event, Turn& turn);
    void handle(const WordsHeard& event, Turn& turn);
    void handle(const ClaimRevoked& event, Turn& turn);
    void handle(const TimerFired& event, Turn& turn);
    void handle(const StopRequested& event, Turn& turn);
    void handle(const StopNow& event, Turn& turn);

    WorkerSlot* living(WorkerId worker);
    WorkerSlot* speaking(WorkerId worker);
    void offer_after_words_of(WorkerId worker, Turn& turn);
    void drain(Turn& turn);
    void evict_all(Turn& turn);
    void dissolve_retired(Turn& turn);
    void finish(Turn& turn);

    Patience patience;
    Workforce workforce;
    JobBook book;
    Assignments assignments;
    DaemonLife life = DaemonLife::serving;
    TimePoint armed = never;
    std::vector<PoolId> retired;  ///< not gone yet
    std::uint64_t stale = 0;
};

}  // namespace jobmill::core
