// SPDX-License-Identifier: MIT
#include "daemon/core/job_queue.hpp"

namespace jobmill::core {

void JobQueue::push(JobTable& jobs, JobHandle handle)
{
    jobs[handle].arrival = ++arrivals_;
    jobs_.push_back(jobs, handle);
}

void JobQueue::put_back(JobTable& jobs, JobHandle handle)
{
    JobHandle next = jobs_.first();
    while (next != no_job && jobs[next].arrival < jobs[handle].arrival) {
        next = jobs[next].place.next;
    }
    jobs_.insert_before(jobs, next, handle);
}

}  // namespace jobmill::core
