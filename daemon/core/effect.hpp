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
    std::uint32_t attempt = 1;
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

/// Note where the worker's running job is, while it still is: it is about to be stopped.
struct TakeStack {
    WorkerId worker;
    friend bool operator==(const TakeStack&, const TakeStack&) = default;
};

/// Take what the worker has said and not sent yet: it may have begun a long job meanwhile.
struct CollectWords {
    WorkerId worker;
    friend bool operator==(const CollectWords&, const CollectWords&) = default;
};

/// The same at once, whoever it is that does not read what it says: it has begun a later job than
/// the one that is known to be in front, so those before are done, and all their words are there.
struct HearOut {
    WorkerId worker;
    friend bool operator==(const HearOut&, const HearOut&) = default;
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

/// The worker was killed long ago and does not die: nothing is expected of it any more, another
/// slot takes its place. Should it exit after all, WorkerExited is still welcome.
struct CondemnWorker {
    WorkerId worker;
    friend bool operator==(const CondemnWorker&, const CondemnWorker&) = default;
};

/// How an attempt came to its end; the edge adds what it knows (signal, exit code, text).
enum class EndedBy : std::uint8_t {
    worker,        ///< the worker's own word: succeeded or failed
    worker_death,  ///< crashed
    limit,         ///< failed: it went beyond a limit of its own, and its worker died of that
    timeout,       ///< timed_out: it ran too long
    hang,          ///< timed_out: it showed no sign of life
    deadline,      ///< expired: it waited too long
    cancel,        ///< cancelled by a client, or with its session
    halt,          ///< cancelled because its batch gave up
    stop,          ///< cancelled because the daemon stops
};

/// The job has reached its terminal state; the core has forgotten it.
struct JobEnded {
    JobId job{};
    JobState state = JobState::succeeded;
    EndedBy by = EndedBy::worker;
    WorkerId worker;                   ///< that ran this attempt; slot 0 when none did
    TimePoint offered{};               ///< to that worker
    JobState was = JobState::running;  ///< waiting, queued or running
    std::uint32_t attempt = 1;
    bool poison = false;  ///< crashed so often that it is not tried again
    friend bool operator==(const JobEnded&, const JobEnded&) = default;
};

/// An attempt has ended without success; the next comes after `delay`.
struct JobRetried {
    JobId job{};
    JobState state = JobState::failed;  ///< failed, crashed or timed_out
    EndedBy by = EndedBy::worker;
    WorkerId worker;
    TimePoint offered{};        ///< to that worker
    std::uint32_t attempt = 1;  ///< that has ended
    Duration delay{};
    friend bool operator==(const JobRetried&, const JobRetried&) = default;
};

/// The job came back from its worker, and its pool's place is taken: it belongs to that one from
/// now on, and waits there.
struct JobHandedOver {
    JobId job{};
    PoolId to{};
    std::uint16_t handler = 0;  ///< its number there
    friend bool operator==(const JobHandedOver&, const JobHandedOver&) = default;
};

/// It was to be cancelled unless it runs, and it does: it goes on.
struct JobLetBe {
    JobId job{};
    friend bool operator==(const JobLetBe&, const JobLetBe&) = default;
};

/// The batch has given up: its rest is cancelled, and nothing may be submitted to it any more.
struct BatchHalted {
    BatchId batch{};
    friend bool operator==(const BatchHalted&, const BatchHalted&) = default;
};

/// The pool's workers die one after another and no job comes to an end: only a probe now and then
/// is run. Or one has come to an end, and all is well again.
struct PoolJudged {
    PoolId pool{};
    bool degraded = false;
    friend bool operator==(const PoolJudged&, const PoolJudged&) = default;
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

using Effect =
    std::variant<StartTemplate, DismissTemplate, KillTemplate, PoolGone, ForkWorker, OfferJob,
                 RevokeClaim, RaiseCancelFlag, TakeStack, CollectWords, HearOut, DismissWorker,
                 TerminateWorker, KillWorker, CondemnWorker, JobEnded, JobRetried, JobHandedOver,
                 JobLetBe, BatchHalted, PoolJudged, ArmTimer, Stopped>;
using Effects = std::vector<Effect>;

}  // namespace jobmill::core
