// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "daemon/core/job.hpp"
#include "daemon/core/slab.hpp"

namespace jobmill::core {

/// Every job that has not ended, found by its id or by its handle. Places are reused, so a steady
/// stream of jobs allocates nothing; a Job does not move while it is in the table.
class JobTable {
public:
    JobTable();

    /// The id must be new.
    JobHandle add(const Job& job);
    void remove(JobHandle handle);

    /// no_job when there is none.
    [[nodiscard]] JobHandle find(JobId id) const;
    [[nodiscard]] Job& operator[](JobHandle handle) { return jobs_[number(handle)]; }
    [[nodiscard]] const Job& operator[](JobHandle handle) const { return jobs_[number(handle)]; }
    [[nodiscard]] std::size_t size() const { return size_; }

private:
    [[nodiscard]] std::size_t home_of(JobId id) const;
    [[nodiscard]] std::size_t after(std::size_t at) const { return (at + 1) & (index_.size() - 1); }
    void place(JobHandle handle);
    void grow();

    Slab<Job> jobs_;  ///< by handle
    /// Open addressing with linear probing, at most half full; no_job is empty.
    std::vector<JobHandle> index_;
    std::size_t size_ = 0;
};

}  // namespace jobmill::core
