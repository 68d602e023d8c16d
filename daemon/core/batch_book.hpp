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

    /// The job belongs to that batch from now on; without effect when there is no such batch.
    void add(JobTable& jobs, JobHandle handle, BatchId batch);
    /// It is to be at that stage. Counted as it happens: a batch may have a million jobs.
    void moves(const JobTable& jobs, JobHandle handle, JobStage to);
    /// It has reached that state.
    void ended(JobTable& jobs, JobHandle handle, JobState state);
    /// A batch whose rule has come true, each once; 0 when there is none. From now on its rest is
    /// to be cancelled.
    [[nodiscard]] BatchId begin_halt();
    /// One of those whose rest is still to be cancelled; 0 when there is none.
    [[nodiscard]] BatchId halting() const;
    /// Of that batch the next job to be cancelled; no_job when it is through.
    [[nodiscard]] JobHandle next_to_halt(JobTable& jobs);
    /// The batch that halting() tells is through.
    void end_halt();
    /// The batch's rest is being cancelled: what of it is still queued must not begin.
    [[nodiscard]] bool settling(BatchId batch) const;
    [[nodiscard]] bool halts_now(BatchId batch) const { return batches_.at(batch).rule.now; }
    [[nodiscard]] bool halted(BatchId batch) const;
    [[nodiscard]] BatchCounts counts(BatchId batch) const;

private:
    struct Batch {
        HaltRule rule;
        BatchCounts counts;
        BatchJobs jobs;
        bool closed = false;
    };

    struct Halt {
        BatchId batch{};
        bool begun = false;
        std::uint64_t left = 0;  ///< jobs to go through, once it has begun
    };

    [[nodiscard]] static bool gives_up(const Batch& batch);
    /// Forgets a closed batch without jobs; one that gives up is told first.
    void tidy(BatchId batch);

    std::unordered_map<BatchId, Batch> batches_;
    std::vector<Halt> halting_;
};

}  // namespace jobmill::core
