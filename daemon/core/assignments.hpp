// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/job_book.hpp"
#include "daemon/core/pool_shares.hpp"
#include "daemon/core/random.hpp"
#include "daemon/core/workforce.hpp"

namespace jobmill::core {

/// Where jobs and workers meet: who gets the next job, what becomes of a worker for a job's sake,
/// and of the jobs for their worker's. Owns neither.
class Assignments {
public:
    Assignments(Workforce& workforce, JobBook& book, const Patience& patience, std::uint64_t seed)
        : workforce_(workforce), book_(book), patience_(patience), random_(seed)
    {
    }

    /// Offers as many of the pool's jobs as it may run and has room for.
    void offer_what_fits(PoolId pool, Turn& turn);
    /// The same for every pool: what bounds them together has changed.
    void offer_everywhere(Turn& turn);
    /// A job less runs in that pool, or several more wait for their turn.
    void offer_after(PoolId pool, Turn& turn);
    /// So many jobs may run in all pools together.
    void cap(std::uint32_t max_running) { max_running_ = max_running; }
    /// While memory is low nothing begins; what workers have not begun goes back to the queues.
    void judge_memory(bool low, Turn& turn);
    [[nodiscard]] bool memory_low() const { return memory_low_; }
    /// Nothing is tried again.
    void give_up_retries() { retries_ = false; }
    /// Whatever is found to have begun ends because the daemon stops.
    void give_up_all() { ending_ = true; }

    /// That pool is gone.
    void forget(PoolId pool) { shares_.forget(pool); }
    /// See PoolSuspended.
    void suspend(PoolId pool, bool suspended, Turn& turn);
    void cancel(JobHandle handle, EndedBy why, Turn& turn);
    /// The same for a job that does not run; one that does is let be.
    void waive(JobHandle handle, Turn& turn);
    /// Its deadline has come, whichever that is.
    void deadline(JobHandle handle, Turn& turn);
    /// What the worker runs may have taken so long that the rest has to go elsewhere.
    void overran(WorkerSlot& slot, Turn& turn);
    /// The worker shows no sign of life.
    void hung(WorkerSlot& slot, Turn& turn);
    /// The worker's word for a job that it holds.
    void finished(WorkerSlot& slot, JobHandle handle, const JobFinished& word, Turn& turn);
    /// A job could not be taken back: its worker, which lives or is dead, has begun it.
    void lost(WorkerSlot& slot, JobHandle handle, Turn& turn);
    /// The job was taken back. Had the worker been free to begin it for long, it is stuck.
    void won(WorkerSlot& slot, JobHandle handle, Turn& turn);
    /// The submitter of that job waits for it, if it runs.
    void nest(JobHandle child, Turn& turn);
    /// None of the session's jobs is to begin for a while.
    void fall_behind(SessionId session, Turn& turn);
    /// The job waits for its reader, or no longer does.
    void pause(JobHandle handle, const JobPaused& word, Turn& turn);
    /// The pools of jobs that lend their places have other sizes.
    void settle_lending(Turn& turn);
    /// Batches that give up take their rest with them, so many jobs an event.
    void settle_batches(Turn& turn);
    /// There are more; they wait for go_on_halting() and another settle_batches().
    [[nodiscard]] bool halts_wait() const { return halts_wait_; }
    void go_on_halting() { halts_wait_ = false; }

    /// The pool has so many workers from now on; what those too many have not begun goes elsewhere.
    void resize(PoolId pool, std::uint32_t workers, Turn& turn);
    /// Asks for every job back that the worker may not have begun.
    void call_back(WorkerSlot& slot, Turn& turn);
    /// The worker holds other jobs than before, or is known to have begun another.
    void held_changed(WorkerSlot& slot, Turn& turn);
    /// The worker is dead, or as good as dead: finds out which of its jobs died with it.
    void judge(WorkerSlot& slot, Turn& turn);
    /// What the worker is known to have begun ends with it, because the daemon stops.
    void mark_for_stop(WorkerSlot& slot, Turn& turn);

private:
    /// How a pool's workers are given jobs ahead.
    struct Prefetch {
        /// When jobs of several lanes were queued last, or a bulky result came.
        TimePoint disturbed{};
        bool deep = false;  ///< since then, more than others would like
    };

    [[nodiscard]] Prefetch& prefetch_of(PoolId pool);
    [[nodiscard]] std::size_t startable(PoolId pool);
    bool offer_one(PoolId pool, Turn& turn);
    bool halt_instead(JobHandle next, Turn& turn);
    [[nodiscard]] Duration ahead(PoolId pool, TimePoint now);
    void make_way(PoolId pool, Turn& turn);
    [[nodiscard]] Duration overrun(const WorkerSlot& slot) const;
    void share_out(PoolId pool, Turn& turn);
    void watch_overrun(const WorkerSlot& slot);
    void recall(JobHandle handle, Turn& turn);
    /// The worker is asked for it back, unless it has begun.
    void revoke(JobHandle handle, Turn& turn);
    void let_be(JobHandle handle, Turn& turn) const;
    void has_begun(WorkerSlot& slot, JobHandle handle, Turn& turn);
    void time_out(JobHandle handle, EndedBy why, Turn& turn);
    void conclude(JobHandle handle, JobWord word, Turn& turn);
    void halt_held(WorkerSlot& slot, BatchId batch, Turn& turn);
    [[nodiscard]] JobHandle next_to_halt(Turn& turn);
    [[nodiscard]] bool may_offer(PoolId pool) const;
    [[nodiscard]] bool fits(JobHandle handle, const WorkerSlot& slot, Duration work) const;
    [[nodiscard]] bool soon_done(JobHandle handle, const WorkerSlot& by, TimePoint now) const;
    [[nodiscard]] bool skipped_any_before(const WorkerSlot& slot, JobHandle handle) const;

    Workforce& workforce_;
    JobBook& book_;
    Patience patience_;
    Random random_;
    std::uint32_t max_running_ = no_bound;
    bool memory_low_ = false;
    bool retries_ = true;
    bool ending_ = false;
    bool halts_wait_ = false;
    PoolShares shares_;
    std::vector<Prefetch> prefetch_;  ///< by pool number
    std::vector<PoolId> rivals_;      ///< reused by offer_everywhere()
};

}  // namespace jobmill::core
