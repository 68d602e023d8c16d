// SPDX-License-Identifier: MIT
#pragma once

#include "common/assert.hpp"
#include "daemon/core/job_table.hpp"

namespace jobmill::core {

// Where a job's neighbours stand.
inline JobLinks& place_links(JobTable& jobs, JobHandle handle)
{
    return jobs[handle].place;
}
inline JobLinks& kin_links(JobTable& jobs, JobHandle handle)
{
    return jobs[handle].kin;
}
inline JobLinks& fellow_links(JobTable& jobs, JobHandle handle)
{
    return jobs.own_extras(handle).fellow;
}

/// A list of jobs, linked through the jobs themselves: nothing is allocated, and a job leaves from
/// any position in one step. It owns nothing; whoever removes a job from the table removes it here
/// first.
template <JobLinks& (*links)(JobTable&, JobHandle)>
class JobList {
public:
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] JobHandle first() const { return first_; }
    [[nodiscard]] JobHandle last() const { return last_; }

    void push_back(JobTable& jobs, JobHandle handle) { insert_before(jobs, no_job, handle); }

    /// Before `next`, or at the end when that is no_job.
    void insert_before(JobTable& jobs, JobHandle next, JobHandle handle)
    {
        const JobHandle previous = next == no_job ? last_ : links(jobs, next).previous;
        links(jobs, handle) = {.previous = previous, .next = next};
        (previous == no_job ? first_ : links(jobs, previous).next) = handle;
        (next == no_job ? last_ : links(jobs, next).previous) = handle;
        ++size_;
    }

    void remove(JobTable& jobs, JobHandle handle)
    {
        JOBMILL_ASSERT(size_ > 0);
        const auto [previous, next] = links(jobs, handle);
        (previous == no_job ? first_ : links(jobs, previous).next) = next;
        (next == no_job ? last_ : links(jobs, next).previous) = previous;
        links(jobs, handle) = {};
        --size_;
    }

private:
    JobHandle first_ = no_job;
    JobHandle last_ = no_job;
    std::size_t size_ = 0;
};

/// The jobs that a worker holds, by sequence.
using HeldJobs = JobList<place_links>;
/// The attached jobs of one session.
using SessionJobs = JobList<kin_links>;
/// The jobs of one batch.
using BatchJobs = JobList<fellow_links>;

}  // namespace jobmill::core
