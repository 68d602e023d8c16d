// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/job_list.hpp"

namespace jobmill::core {

/// The jobs of one pool that wait for a worker, in the order of their arrival. A job that is taken
/// back from a worker gets its old turn again.
class JobQueue {
public:
    [[nodiscard]] bool empty() const { return jobs_.empty(); }
    [[nodiscard]] std::size_t size() const { return jobs_.size(); }
    /// Whose turn it is; no_job when the queue is empty.
    [[nodiscard]] JobHandle first() const { return jobs_.first(); }

    /// A new job: gives it its turn.
    void push(JobTable& jobs, JobHandle handle);
    /// A job that was in this queue before. Cheap for one that was among the first.
    void put_back(JobTable& jobs, JobHandle handle);
    void remove(JobTable& jobs, JobHandle handle) { jobs_.remove(jobs, handle); }

private:
    JobList<&Job::place> jobs_;
    std::uint64_t arrivals_ = 0;
};

}  // namespace jobmill::core
