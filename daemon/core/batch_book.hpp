// SPDX-License-Identifier: MIT
#pragma once

#include <unordered_map>
#include <vector>

#include "daemon/core/dispatcher.hpp"
#include "daemon/core/job_list.hpp"

namespace jobmill::core {

/// Jobs that were submitted as one: how far they are, and whether so many have failed that the rest
/// is not wanted any more.
class BatchBook {
public:
    void open(const BatchOpened& opened);
    void close(BatchId batch);

    /// The job belongs to its batch from now on; without effect when it has none.
    void add(JobTable& jobs, JobHandle handle);
    /// It has reached that state.
    void ended(JobTable& jobs, JobHandle handle, JobState state);
    /// A batch whose rule has come true and whose rest was not cancelled yet; 0 when there is none.
    [[nodiscard]] BatchId take_halting();
    /// Forgets a closed batch without jobs.
    void tidy(BatchId batch);
    /// The first unfinished job, and from each the next; no_job at the end.
    [[nodiscard]] JobHandle first(BatchId batch) const;
    [[nodiscard]] bool halts_now(BatchId batch) const { return batches_.at(batch).rule.now; }
    [[nodiscard]] bool halted(BatchId batch) const;
    [[nodiscard]] BatchCounts counts(const JobTable& jobs, BatchId batch) const;

private:
    struct Batch {
        HaltRule rule;
        BatchCounts counts;
        BatchJobs jobs;
        bool closed = false;
    };

    [[nodiscard]] static bool gives_up(const Batch& batch);

    std::unordered_map<BatchId, Batch> batches_;
    std::vector<BatchId> halting_;
};

}  // namespace jobmill::core
