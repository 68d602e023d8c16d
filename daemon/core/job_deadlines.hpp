// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "daemon/core/job_table.hpp"
#include "daemon/core/time_heap.hpp"

namespace jobmill::core {

/// The next point in time that matters to each job that has one, the earliest first. Of a long
/// queue nearly all are far off, and most jobs end before: those lie in lists, one for each stretch
/// of time, linked through the jobs, so that to come and to go is a step and costs no memory of its
/// own. When a stretch begins, its jobs are asked for their times again, and put in order.
class JobDeadlines {
public:
    /// Replaces the job's former deadline; `never` takes it away.
    void set(JobTable& jobs, JobHandle handle, TimePoint when, TimePoint now);
    void cancel(JobTable& jobs, JobHandle handle);
    /// When to call take_due(): no deadline is earlier, but it may be that none is due then.
    /// `never` when there is none.
    [[nodiscard]] TimePoint next() const
    {
        const TimePoint far =
            far_.empty() ? never
                         : TimePoint{Duration{std::int64_t{far_.front().number} << stretch_bits}};
        return std::min(near_.next(), far);
    }
    /// Removes and returns a job whose time has come; no_job when there is none. `when_of(handle)`
    /// is what was set for that job.
    template <typename WhenOf>
    JobHandle take_due(JobTable& jobs, TimePoint now, WhenOf when_of)
    {
        while (!far_.empty() && far_.front().number <= stretch_of(now)) {
            const JobHandle handle = far_.front().first;
            set(jobs, handle, when_of(handle), now);
        }
        return near_.take_due(now, Places{jobs}).value_or(no_job);
    }
    [[nodiscard]] std::size_t size() const { return near_.size() + far_size_; }

private:
    /// Some minutes: few are near then, and a week has some thousand stretches.
    static constexpr int stretch_bits = 38;
    using StretchNumber = std::int32_t;

    /// The jobs whose times are in one stretch.
    struct Stretch {
        StretchNumber number = 0;
        JobHandle first = no_job;
    };
    struct Places {
        JobTable& jobs;
        std::uint32_t& operator()(JobHandle handle) const { return jobs[handle].alarm.place; }
    };

    [[nodiscard]] static StretchNumber stretch_of(TimePoint when)
    {
        return static_cast<StretchNumber>(when.time_since_epoch().count() >> stretch_bits);
    }
    [[nodiscard]] std::vector<Stretch>::iterator from(StretchNumber wanted);
    void put_far(JobTable& jobs, JobHandle handle, StretchNumber wanted);
    void take_from_far(JobTable& jobs, JobHandle handle);

    TimeHeap<JobHandle> near_;
    std::vector<Stretch> far_;  ///< the earliest first, and none without jobs
    std::size_t far_size_ = 0;
};

}  // namespace jobmill::core
