// SPDX-License-Identifier: MIT
#pragma once

#include <unordered_map>
#include <vector>

#include "daemon/core/dispatcher.hpp"
#include "daemon/core/job_queue.hpp"
#include "daemon/core/turn.hpp"
#include "daemon/core/worker_slots.hpp"

namespace jobmill::core {

/// Every job that has not ended: at what stage it is, and where, be it in a queue or with a worker.
/// Keeps the books only: whether a worker has to be stopped for a job's sake is decided elsewhere.
class JobBook {
public:
    explicit JobBook(WorkerSlots& slots) : slots_(&slots) {}

    void add_pool(PoolId pool);
    /// To the end of its pool's queue.
    JobHandle admit(const JobSubmitted& submitted);
    /// The first of the queue goes to that worker, under its next sequence.
    void offer(WorkerSlot& slot, Turn& turn);
    /// The only way to another stage; moves the job to where it then belongs. False: the word
    /// changes nothing. A job that ends with it is no more afterwards.
    bool step(JobHandle handle, JobWord word, Turn& turn);

    [[nodiscard]] const Job& operator[](JobHandle handle) const { return jobs_[handle]; }
    [[nodiscard]] JobHandle find(JobId id) const { return jobs_.find(id); }
    [[nodiscard]] std::size_t size() const { return jobs_.size(); }
    /// Whose turn it is in that pool.
    [[nodiscard]] JobHandle first_queued(PoolId pool) const;
    /// The job that the worker holds under that sequence.
    [[nodiscard]] JobHandle held_under(const WorkerSlot& slot, Sequence sequence) const;
    /// The last that the worker is known to have begun. Workers serve in order, so whatever it has
    /// begun before is finished, and its word is on the way.
    [[nodiscard]] JobHandle running(const WorkerSlot& slot) const;
    /// An attached job of that session, which is attached no more; no_job when none is left.
    [[nodiscard]] JobHandle detach_one(SessionId session);

    /// To the end of that pool's queue, if it waits in another's.
    void move(JobHandle handle, PoolId to);
    /// Jobs of that pool that have not ended.
    [[nodiscard]] std::uint64_t unfinished(PoolId pool) const
    {
        return backlogs_[number(pool)].unfinished;
    }
    /// Forgets a pool without jobs.
    void remove_pool(PoolId pool);

    [[nodiscard]] std::size_t pools() const { return backlogs_.size(); }
    /// Fills in the members that are about jobs.
    void count(PoolId pool, PoolCounts& counts) const;

private:
    struct Backlog {
        JobQueue queue;
        std::uint64_t unfinished = 0;  ///< queued or with a worker
        std::uint64_t done = 0;
        std::uint64_t failed = 0;
        std::uint64_t crashed = 0;
    };

    void take_from(WorkerSlot& slot, JobHandle handle);
    void end(JobHandle handle, const JobOutcome& outcome, Turn& turn);

    WorkerSlots* slots_;
    JobTable jobs_;
    std::vector<Backlog> backlogs_;  ///< by pool number
    std::unordered_map<SessionId, SessionJobs> sessions_;
};

}  // namespace jobmill::core
