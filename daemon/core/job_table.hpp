// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/job.hpp"
#include "daemon/core/number_index.hpp"
#include "daemon/core/slab.hpp"

namespace jobmill::core {

/// Every job that has not ended, found by its id or by its handle. Places are reused, so a steady
/// stream of jobs allocates nothing; a Job does not move while it is in the table.
class JobTable {
public:
    /// The id must be new.
    JobHandle add(const Job& job);
    void remove(JobHandle handle);

    /// no_job when there is none.
    [[nodiscard]] JobHandle find(JobId id) const;
    [[nodiscard]] Job& operator[](JobHandle handle) { return jobs_[number(handle)]; }
    [[nodiscard]] const Job& operator[](JobHandle handle) const { return jobs_[number(handle)]; }
    [[nodiscard]] std::size_t size() const { return index_.size(); }
    /// As most jobs have them, if it has none of its own.
    [[nodiscard]] const JobExtras& extras(const Job& job) const
    {
        static constexpr JobExtras usual{};
        return job.extras == no_extras ? usual : extras_[number(job.extras)];
    }
    [[nodiscard]] const JobExtras& extras(JobHandle handle) const
    {
        return extras((*this)[handle]);
    }
    /// Its own from now on.
    [[nodiscard]] JobExtras& own_extras(JobHandle handle);

private:
    /// By which the index knows a job's place.
    [[nodiscard]] auto ids() const
    {
        return [this](NumberIndex::Place place) { return number(jobs_[place].id); };
    }

    Slab<Job, 256, kept_of_all_jobs> jobs_;  ///< by handle
    Slab<JobExtras> extras_;
    NumberIndex index_{NumberIndex::kept_of_one};
};

}  // namespace jobmill::core
