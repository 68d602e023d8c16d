// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <vector>

#include "daemon/core/job_table.hpp"

namespace jobmill::core {

/// The next point in time that matters to each job that has one, the earliest first: a binary heap
/// whose places the jobs know, so that a million of them cost nothing until their time comes.
class JobDeadlines {
public:
    /// Replaces the job's former deadline; `never` takes it away.
    void set(JobTable& jobs, JobHandle handle, TimePoint when);
    void cancel(JobTable& jobs, JobHandle handle) { set(jobs, handle, never); }
    [[nodiscard]] std::optional<TimePoint> next() const;
    /// Removes and returns a job whose time has come; no_job when there is none.
    JobHandle take_due(JobTable& jobs, TimePoint now);
    [[nodiscard]] std::size_t size() const { return heap_.size(); }

private:
    struct Entry {
        TimePoint when;
        JobHandle job = no_job;
    };

    void put(JobTable& jobs, std::size_t at, const Entry& entry);
    void sift_up(JobTable& jobs, std::size_t at);
    void sift_down(JobTable& jobs, std::size_t at);
    void erase(JobTable& jobs, std::size_t at);

    std::vector<Entry> heap_;
};

}  // namespace jobmill::core
