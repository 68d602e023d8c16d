// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "daemon/core/job_table.hpp"
#include "daemon/core/time_heap.hpp"

namespace jobmill::core {

/// The next point in time that matters to each job that has one, the earliest first. The jobs know
/// their places, so that a million of them cost nothing until their time comes.
class JobDeadlines {
public:
    /// Replaces the job's former deadline; `never` takes it away.
    void set(JobTable& jobs, JobHandle handle, TimePoint when)
    {
        if (when == never) {
            cancel(jobs, handle);
        } else {
            heap_.set(handle, when, Places{jobs});
        }
    }
    void cancel(JobTable& jobs, JobHandle handle) { heap_.remove(handle, Places{jobs}); }
    [[nodiscard]] std::optional<TimePoint> next() const { return heap_.next(); }
    /// Removes and returns a job whose time has come; no_job when there is none.
    JobHandle take_due(JobTable& jobs, TimePoint now)
    {
        return heap_.take_due(now, Places{jobs}).value_or(no_job);
    }
    [[nodiscard]] std::size_t size() const { return heap_.size(); }

private:
    struct Places {
        JobTable& jobs;
        std::uint32_t& operator()(JobHandle handle) const { return jobs[handle].alarm; }
    };

    TimeHeap<JobHandle> heap_;
};

}  // namespace jobmill::core
