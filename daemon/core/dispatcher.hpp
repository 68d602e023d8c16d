// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/core/effect.hpp"
#include "daemon/core/event.hpp"

namespace jobmill::core {

/// How long the core waits before it does more, and how much it does before others have a turn.
struct Patience {
    Duration load = std::chrono::seconds{60};          ///< for a template to load its modules
    Duration start = std::chrono::seconds{10};         ///< for a forked worker's hello
    Duration cancel = std::chrono::milliseconds{100};  ///< from the cancel flag to SIGTERM
    Duration deaf = std::chrono::milliseconds{1};      ///< the same, for who never looks at it
    Duration stack = std::chrono::milliseconds{20};    ///< the same, for who notes where it is
    Duration claim = std::chrono::seconds{10};         ///< for a worker to begin what it got
    Duration reap = std::chrono::seconds{10};          ///< from SIGKILL to being condemned
    Duration storm = std::chrono::seconds{10};         ///< crashes within it are one storm
    Duration probe = std::chrono::seconds{5};          ///< between probes of a degraded pool
    Duration terminate = std::chrono::seconds{5};      ///< from SIGTERM to SIGKILL
    Duration dismiss = std::chrono::seconds{5};        ///< for a dismissed process to leave
    Duration first_backoff = std::chrono::milliseconds{50};  ///< doubled for each start that failed
    Duration longest_backoff = std::chrono::seconds{5};
    /// So much work a worker has before it, by what jobs took lately; forever: as many as it may
    /// hold, whatever they take.
    Duration ahead = std::chrono::microseconds{300};
    /// The same while many are queued: each time that a worker has to be given more costs as much
    /// as tens of microseconds of work.
    Duration most_ahead = std::chrono::microseconds{1500};
    /// The same while all that are queued are of one lane, and no result is bulky, for so long.
    Duration most_ahead_of_one = std::chrono::milliseconds{12};
    Duration undisturbed = std::chrono::milliseconds{100};
    /// To wake an idle worker takes as long as so much work: up to it the one that was given a job
    /// last gets the next ones as well.
    Duration wake = std::chrono::microseconds{20};
    /// But not once it is known to have had the same job in front for so long.
    Duration late = std::chrono::microseconds{200};
    /// What a worker runs may take so much longer than it should before what it has said meanwhile
    /// is collected; and so long again before what it holds besides is taken back.
    Duration overrun = std::chrono::milliseconds{1};
    /// But it is not collected before this: a worker of small jobs lets results wait for others.
    Duration gather = std::chrono::milliseconds{3};
    /// Jobs of batches that give up, which are taken from the queue in one event; the next when the
    /// timer fires.
    std::uint32_t ends_at_once = 256;
};

struct PoolCounts {
    std::uint32_t workers = 0;  ///< ready ones, busy or not
    std::uint32_t busy = 0;
    std::uint32_t surplus = 0;    ///< processes that the pool has too many, and that have to finish
    std::uint32_t condemned = 0;  ///< processes that do not die
    std::uint32_t lent = 0;       ///< slots beyond its size, for jobs that wait for their own jobs
    bool degraded = false;
    std::uint64_t waiting = 0;
    std::uint64_t queued = 0;
    std::uint64_t running = 0;  ///< with a worker
    std::uint64_t done = 0;     ///< all terminal states
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    std::uint64_t crashed = 0;
    std::uint64_t timed_out = 0;
    std::uint64_t expired = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t retried = 0;   ///< attempts that were followed by another
    std::uint64_t restarts = 0;  ///< worker processes after the first of each slot
};

struct BatchCounts {
    std::uint64_t submitted = 0;
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;  ///< or crashed, timed out, expired
    std::uint64_t cancelled = 0;
    // Of those that have not ended. Looked up job by job: for who asks, not for every turn.
    std::uint64_t waiting = 0;
    std::uint64_t queued = 0;
    std::uint64_t running = 0;
    bool halted = false;
};

/// The core: jobs, pools, worker slots, and every decision about them. A value machine: an event
/// and the time go in, effects are appended. It reads no clock, opens no descriptor, logs nothing.
class Dispatcher {
public:
    /// Equal seeds and equal events have equal effects.
    explicit Dispatcher(Patience patience = {}, std::uint64_t seed = 1);
    ~Dispatcher();
    Dispatcher(Dispatcher&&) noexcept;
    Dispatcher& operator=(Dispatcher&&) noexcept;

    /// Appends what is to be done to `effects`, which the caller reuses.
    void on(const Event& event, TimePoint now, Effects& effects);

    [[nodiscard]] PoolCounts counts(PoolId pool) const;
    [[nodiscard]] BatchCounts counts(BatchId batch) const;
    /// Jobs of that label that run.
    [[nodiscard]] std::uint32_t running(LabelId label) const;
    /// By number, whether unfinished jobs have that label. Looked up lane by lane.
    [[nodiscard]] std::vector<bool> labels_of_jobs() const;
    /// Waiting, queued or running; none when the job is not (or no longer) known.
    [[nodiscard]] std::optional<JobState> state_of(JobId job) const;
    /// The worker that the job was offered to.
    [[nodiscard]] std::optional<WorkerId> worker_of(JobId job) const;
    /// The job that the worker holds under that sequence.
    [[nodiscard]] std::optional<JobId> job_of(WorkerId worker, Sequence sequence) const;
    /// Whether the job's worker is known to have begun a later one: it is done, and whatever it has
    /// to say was said.
    [[nodiscard]] bool is_overtaken(JobId job) const;
    /// Which attempt of the job is waited for or running.
    [[nodiscard]] std::uint32_t attempt_of(JobId job) const;
    [[nodiscard]] std::uint64_t unfinished_jobs() const;
    /// Workers that hold a job, in all pools.
    [[nodiscard]] std::uint32_t busy_workers() const;
    /// Whether nothing begins because the machine's memory is low.
    [[nodiscard]] bool memory_low() const;
    /// Events that came too late to mean anything: of an old generation, or twice.
    [[nodiscard]] std::uint64_t stale_events() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace jobmill::core
