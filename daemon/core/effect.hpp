// SPDX-License-Identifier: MIT
// What to do: everything that the core asks of the edge, in order.
#pragma once

#include <variant>
#include <vector>

#include "daemon/core/event.hpp"
#include "jobmill/ids.hpp"
#include "jobmill/job_state.hpp"

namespace jobmill::core {

/// Start the pool's template. Answered by TemplateReady or TemplateLost.
struct StartTemplate {
    PoolId pool{};
    friend bool operator==(const StartTemplate&, const StartTemplate&) = default;
};

/// Close the template's link; it leaves by itself, and TemplateLost says so.
struct DismissTemplate {
    PoolId pool{};
    friend bool operator==(const DismissTemplate&, const DismissTemplate&) = default;
};

/// SIGKILL to the template.
struct KillTemplate {
    PoolId pool{};
    friend bool operator==(const KillTemplate&, const KillTemplate&) = default;
};

/// A retired pool has neither jobs nor processes any more; its number may be given to another.
struct PoolGone {
    PoolId pool{};
    friend bool operator==(const PoolGone&, const PoolGone&) = default;
};

/// Have the template fork this worker. Answered by WorkerForked (or WorkerReady) or ForkFailed; the
/// core waits for the answer without a deadline.
struct ForkWorker {
    PoolId pool{};
    WorkerId worker;
    friend bool operator==(const ForkWorker&, const ForkWorker&) = default;
};

/// Store the claim as offered and send the job.
struct OfferJob {
    WorkerId worker;
    Sequence sequence{};
    JobId job{};
    friend bool operator==(const OfferJob&, const OfferJob&) = default;
};

/// Try to take the job back by compare-and-swap. Answered by ClaimRevoked.
struct RevokeClaim {
    WorkerId worker;
    Sequence sequence{};
    friend bool operator==(const RevokeClaim&, const RevokeClaim&) = default;
};

/// Set the cooperative cancel flag.
struct RaiseCancelFlag {
    WorkerId worker;
    Sequence sequence{};
    friend bool operator==(const RaiseCancelFlag&, const RaiseCancelFlag&) = default;
};

/// Close the worker's link; it leaves by itself.
struct DismissWorker {
    WorkerId worker;
    friend bool operator==(const DismissWorker&, const DismissWorker&) = default;
};

/// SIGTERM.
struct TerminateWorker {
    WorkerId worker;
    friend bool operator==(const TerminateWorker&, const TerminateWorker&) = default;
};

/// SIGKILL to the worker and everything that it started.
struct KillWorker {
    WorkerId worker;
    friend bool operator==(const KillWorker&, const KillWorker&) = default;
};

/// How a terminal state came about; the edge adds what it knows (signal, exit code, text).
enum class EndedBy : std::uint8_t {
    worker,         ///< the worker's own word: succeeded or failed
    worker_death,   ///< crashed
    cancel_queued,  ///< cancelled before it ran
    cancel_running,
    stop_queued,  ///< cancelled because the daemon stops
    stop_running,
};

/// The job has reached its terminal state; the core has forgotten it.
struct JobEnded {
    JobId job{};
    JobState state = JobState::succeeded;
    EndedBy by = EndedBy::worker;
    WorkerId worker;  ///< that ran it; slot 0 when it never ran
    friend bool operator==(const JobEnded&, const JobEnded&) = default;
};

/// Send TimerFired at `at`; replaces what was asked before.
struct ArmTimer {
    TimePoint at{};
    friend bool operator==(const ArmTimer&, const ArmTimer&) = default;
};

/// No job is unfinished and no worker is left: the daemon may leave.
struct Stopped {
    friend bool operator==(const Stopped&, const Stopped&) = default;
};

using Effect = std::variant<StartTemplate, DismissTemplate, KillTemplate, PoolGone, ForkWorker,
                            OfferJob, RevokeClaim, RaiseCancelFlag, DismissWorker, TerminateWorker,
                            KillWorker, JobEnded, ArmTimer, Stopped>;
using Effects = std::vector<Effect>;

}  // namespace jobmill::core
