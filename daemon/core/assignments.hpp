// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/job_book.hpp"
#include "daemon/core/workforce.hpp"

namespace jobmill::core {

/// Where jobs and workers meet: who gets the next job, what becomes of a worker for a job's sake,
/// and of the jobs for their worker's. Owns neither.
class Assignments {
public:
    Assignments(Workforce& workforce, JobBook& book) : workforce_(workforce), book_(book) {}

    void offer_what_fits(PoolId pool, Turn& turn);
    void cancel(JobHandle handle, Turn& turn);
    /// The pool has so many workers from now on; what those too many have not begun goes elsewhere.
    void resize(PoolId pool, std::uint32_t workers, Turn& turn);
    /// Asks for every job back that the worker may not have begun.
    void call_back(WorkerSlot& slot, Turn& turn);
    /// The worker is known to have begun that job.
    void has_begun(WorkerSlot& slot, JobHandle handle, Turn& turn);
    /// Whether the worker must have passed over a job that it holds, if it has finished this one.
    [[nodiscard]] bool skipped_any_before(const WorkerSlot& slot, JobHandle handle) const;
    /// The worker holds other jobs than before, or is known to have begun another.
    void held_changed(WorkerSlot& slot, Turn& turn);
    /// The worker is dead: finds out which of its jobs died with it.
    void judge(WorkerSlot& slot, Turn& turn);
    /// What the worker is known to have begun ends with it, because the daemon stops.
    void mark_for_stop(WorkerSlot& slot, Turn& turn);

private:
    void recall(JobHandle handle, Turn& turn);

    Workforce& workforce_;
    JobBook& book_;
};

}  // namespace jobmill::core
