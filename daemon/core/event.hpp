// SPDX-License-Identifier: MIT
// What happened: everything that the core is told. Events carry ids, never payloads.
#pragma once

#include <cstdint>
#include <variant>

#include "daemon/core/terms.hpp"
#include "jobmill/ids.hpp"
#include "jobmill/job_state.hpp"

namespace jobmill::core {

// ---- pools and their processes ------------------------------------------------------------------

/// A pool exists from now on. The core asks for its template and, once that is ready, for its
/// workers, in slots of its own choice. The number is new, or of a pool that is gone.
struct PoolAdded {
    PoolId pool{};
    std::uint32_t workers = 1;
    /// Jobs that one worker may hold, claimed or not: 1 to 256.
    std::uint32_t depth = 1;
    PoolTerms terms;
};

/// The pool has so many workers from now on. Those that are too many finish what they run.
struct PoolResized {
    PoolId pool{};
    std::uint32_t workers = 1;
};

/// The pool works by other terms from now on. What its workers have begun goes on.
struct PoolAdjusted {
    PoolId pool{};
    PoolTerms terms;
};

/// Jobs with that label: so many run at once, in all pools, and have such a share. A label that is
/// not told of has no bound, and a weight of 100. A number that no job has may become another's.
struct LabelAdjusted {
    LabelId label{};
    std::uint32_t max_running = no_bound;
    std::uint32_t weight = usual_weight;
};

/// So many jobs run at once, in all pools together.
struct CapAdjusted {
    std::uint32_t max_running = no_bound;
};

/// The machine's memory has run low, or no longer is: nothing begins while it is, and what workers
/// have not begun goes back to its queue.
struct MemoryJudged {
    bool low = false;
};

/// None of the pool's jobs begins while it is suspended; what its workers have not begun yet goes
/// back to its queue.
struct PoolSuspended {
    PoolId pool{};
    bool suspended = false;
};

/// A job of that handler belongs to another pool, which takes jobs, once it comes back from its
/// worker: each time the core says JobHandedOver. Holds until that other pool retires. What waits
/// already is moved by JobMoved.
struct HandlerSucceeded {
    PoolId pool{};
    std::uint16_t handler = 0;
    PoolId to{};
    std::uint16_t to_handler = 0;  ///< its number there
};

/// Nothing is submitted to the pool any more, nor handed over to it. Once its last job has ended
/// its workers and its template leave, and the core says PoolGone. Until then a template that is
/// lost is started again only while some of its jobs wait for a worker.
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
    /// It died of a limit that its running job had asked for.
    bool by_limit = false;
};

/// The worker wrote nonsense, or its link broke while it lives: it has to go.
struct WorkerMisbehaved {
    WorkerId worker;
};

/// The worker has shown no sign of life for too long while it holds a job.
struct WorkerHung {
    WorkerId worker;
};

/// The worker has grown too large: it is replaced when its replacement is ready.
struct WorkerWorn {
    WorkerId worker;
};

/// The job under that sequence, whose cancel flag was raised, has never looked at the flag so far:
/// there is little use in waiting. A hint: what a worker may claim falsely costs itself only.
struct JobDeaf {
    WorkerId worker;
    Sequence sequence{};
};

// ---- jobs ---------------------------------------------------------------------------------------

struct JobSubmitted {
    JobId job{};
    SessionId session{};
    PoolId pool{};
    UserId user{};
    LabelId label{};
    BatchId batch{};
    /// The running job that submits this one and waits for it; without effect when it does not run.
    JobId parent{};
    std::uint16_t handler = 0;  ///< those of a pool take their time each
    bool detached = false;
    std::uint32_t offer_size = 0;  ///< so many bytes its worker is sent for it, about
    bool more = false;             ///< SubmitsHeard follows soon: offers are made then
    JobTerms terms;
};

/// Of what was submitted to that pool together, that was the last.
struct SubmitsHeard {
    PoolId pool{};
};

struct CancelRequested {
    JobId job{};
    /// One that runs is let be, which JobLetBe then tells; one that waits for its next attempt does
    /// not run.
    bool unless_running = false;
};

/// A job that has not begun belongs to another pool from now on, at the end of that one's queue.
/// Without effect when it has begun.
struct JobMoved {
    JobId job{};
    PoolId to{};
    std::uint16_t handler = 0;  ///< its number there
};

/// The job belongs to that label's rules from now on: if it runs it counts there at once, if it is
/// queued it begins at the end of its queue.
struct JobRelabelled {
    JobId job{};
    LabelId label{};
};

/// When a batch gives up.
struct HaltRule {
    bool now = false;        ///< what runs is cancelled, too
    bool percent = false;    ///< `fail` is a share of the jobs that have ended
    std::uint32_t fail = 0;  ///< so many failed; 0: never

    friend bool operator==(const HaltRule&, const HaltRule&) = default;
};

/// Jobs of that number may come. The number is new.
struct BatchOpened {
    BatchId batch{};
    HaltRule halt;
};

/// No more jobs of the batch come; it is forgotten after its last one's end.
struct BatchClosed {
    BatchId batch{};
};

/// The client is gone; its attached jobs go with it.
struct SessionLost {
    SessionId session{};
};

/// The client leaves unread what it is told, or has caught up: meanwhile none of its attached jobs
/// begins. It is forgotten with the session.
struct SessionBehind {
    SessionId session{};
    bool behind = false;
};

/// None of the user's jobs begins, or they may again: more of them are being cancelled than can be
/// at once.
struct UserSuspended {
    UserId user{};
    bool suspended = false;
};

/// The job has begun, and stands still until its reader has read more; or no longer does. What
/// stands behind it goes elsewhere, and nothing joins it any more. Without effect on a job that no
/// worker holds. It is over with the attempt.
struct JobPaused {
    JobId job{};
    bool paused = false;
    /// For a while already: its pool gets a worker more meanwhile.
    bool for_long = false;
};

/// The worker's word for the job that it holds under that sequence: it is done.
struct JobFinished {
    WorkerId worker;
    Sequence sequence{};
    JobState state = JobState::succeeded;  ///< succeeded or failed
    Duration cpu{};                        ///< CPU time that it took
    Duration ran{};                        ///< time that it took, by its worker's clock; 0: by ours
    bool bulky = false;  ///< its result takes much memory until somebody has read it
    bool more = false;   ///< another follows at once, or WordsHeard: offers are made after it
};

/// All that the worker has said so far was told, though the last of it promised more.
struct WordsHeard {
    WorkerId worker;
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

using Event =
    std::variant<PoolAdded, PoolResized, PoolAdjusted, LabelAdjusted, CapAdjusted, MemoryJudged,
                 PoolSuspended, HandlerSucceeded, PoolRetired, TemplateReady, TemplateLost,
                 TemplateSilent, WorkerForked, ForkFailed, WorkerReady, WorkerExited,
                 WorkerMisbehaved, WorkerHung, WorkerWorn, JobDeaf, JobSubmitted, SubmitsHeard,
                 CancelRequested, JobMoved, JobRelabelled, BatchOpened, BatchClosed, SessionLost,
                 SessionBehind, UserSuspended, JobPaused, JobFinished, WordsHeard, ClaimRevoked,
                 TimerFired, StopRequested, StopNow>;

}  // namespace jobmill::core
