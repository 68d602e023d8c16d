// SPDX-License-Identifier: MIT
// What happened: everything that the core is told. Events carry ids, never payloads.
#pragma once

#include <chrono>
#include <cstdint>
#include <variant>

#include "jobmill/ids.hpp"
#include "jobmill/job_state.hpp"

namespace jobmill::core {

/// Time as the edge tells it; the core has no clock.
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
using Duration = std::chrono::nanoseconds;

// ---- pools and their processes ------------------------------------------------------------------

/// A pool exists from now on. The core asks for its template and, once that is ready, for its
/// workers, in slots of its own choice. The number is new, or of a pool that is gone.
struct PoolAdded {
    PoolId pool{};
    std::uint32_t workers = 1;
    /// Jobs that one worker may hold, claimed or not: 1 to 256.
    std::uint32_t depth = 1;
};

/// The pool has so many workers from now on. Those that are too many finish what they run.
struct PoolResized {
    PoolId pool{};
    std::uint32_t workers = 1;
};

/// Nothing is submitted to the pool any more. Once its last job has ended its workers and its
/// template leave, and the core says PoolGone.
struct PoolRetired {
    PoolId pool{};
};

/// The template has loaded its modules and forks from now on.
struct TemplateReady {
    PoolId pool{};
};

/// The template is gone. Workers that it forked live on; ForkFailed for those that it had been
/// asked for has come before.
struct TemplateLost {
    PoolId pool{};
};

/// The template lives and does not answer: it is killed, and TemplateLost follows.
struct TemplateSilent {
    PoolId pool{};
};

/// The template said which process it forked for a slot.
struct WorkerForked {
    WorkerId worker;
};

/// No process came of a ForkWorker: fork failed, or the template died before it could say. Without
/// effect after the worker's hello.
struct ForkFailed {
    WorkerId worker;
};

/// The worker's hello: it takes offers from now on.
struct WorkerReady {
    WorkerId worker;
};

/// The worker is reaped, its link and outbox are read to their ends: nothing comes from it any
/// more. The core answers with a RevokeClaim for each job that it may not have begun; the edge
/// therefore keeps the segment until the effects of this event are carried out. No later effect
/// but JobEnded names the worker.
struct WorkerExited {
    WorkerId worker;
};

/// The worker wrote nonsense, or its link broke while it lives: it has to go.
struct WorkerMisbehaved {
    WorkerId worker;
};

// ---- jobs ---------------------------------------------------------------------------------------

struct JobSubmitted {
    JobId job{};
    SessionId session{};
    PoolId pool{};
    bool detached = false;
};

struct CancelRequested {
    JobId job{};
};

/// A job that still waits in a queue belongs to another pool from now on, at the end of that one's
/// queue. Without effect when it waits no more.
struct JobMoved {
    JobId job{};
    PoolId to{};
};

/// The client is gone; its attached jobs go with it.
struct SessionLost {
    SessionId session{};
};

/// The worker's word for the job that it holds under that sequence: it is done.
struct JobFinished {
    WorkerId worker;
    Sequence sequence{};
    JobState state = JobState::succeeded;  ///< succeeded or failed
};

/// What became of a RevokeClaim: `won` if the job was taken back, else the worker has it. Each
/// RevokeClaim is answered once, soon, of a dead worker as well; in any order with other events.
struct ClaimRevoked {
    WorkerId worker;
    Sequence sequence{};
    bool won = false;
};

// ---- the daemon ---------------------------------------------------------------------------------

/// The time that ArmTimer asked for has come; harmless at any other time.
struct TimerFired {};

/// Take no new jobs; queued ones are cancelled, running ones have until `grace` is over.
struct StopRequested {
    Duration grace{};
};

/// Stop at once.
struct StopNow {};

using Event = std::variant<PoolAdded, PoolResized, PoolRetired, TemplateReady, TemplateLost,
                           TemplateSilent, WorkerForked, ForkFailed, WorkerReady, WorkerExited,
                           WorkerMisbehaved, JobSubmitted, CancelRequested, JobMoved, SessionLost,
                           JobFinished, ClaimRevoked, TimerFired, StopRequested, StopNow>;

}  // namespace jobmill::core
