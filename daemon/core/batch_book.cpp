// SPDX-License-Identifier: MIT
#include "daemon/core/batch_book.hpp"

#include "common/assert.hpp"

namespace jobmill::core {

namespace {

/// A share of fewer failures than these says nothing: the first job would decide.
constexpr std::uint64_t telling_failures = 3;

}  // namespace

void BatchBook::open(const BatchOpened& opened)
{
    batches_[opened.batch] = Batch{.rule = opened.halt};
}

void BatchBook::close(BatchId batch)
{
    const auto found = batches_.find(batch);
    if (found == batches_.end()) {
        return;
    }
    found->second.closed = true;
    tidy(batch);
}

void BatchBook::tidy(BatchId batch)
{
    const auto found = batches_.find(batch);
    if (found != batches_.end() && found->second.closed && found->second.jobs.empty()) {
        batches_.erase(found);
    }
}

void BatchBook::add(JobTable& jobs, JobHandle handle)
{
    const auto found = batches_.find(jobs[handle].batch);
    if (found == batches_.end()) {
        jobs[handle].batch = {};
        return;
    }
    found->second.jobs.push_back(jobs, handle);
    ++found->second.counts.submitted;
}

void BatchBook::ended(JobTable& jobs, JobHandle handle, JobState state)
{
    const BatchId id = jobs[handle].batch;
    const auto found = batches_.find(id);
    if (number(id) == 0 || found == batches_.end()) {
        return;
    }
    Batch& batch = found->second;
    batch.jobs.remove(jobs, handle);
    if (state == JobState::succeeded) {
        ++batch.counts.succeeded;
    } else if (state == JobState::cancelled) {
        ++batch.counts.cancelled;
    } else {
        ++batch.counts.failed;
    }
    if (!batch.counts.halted && gives_up(batch)) {
        batch.counts.halted = true;
        halting_.push_back(id);
    } else if (batch.closed && batch.jobs.empty()) {
        batches_.erase(found);
    }
}

bool BatchBook::gives_up(const Batch& batch)
{
    const BatchCounts& counts = batch.counts;
    if (batch.rule.fail == 0) {
        return false;
    }
    if (!batch.rule.percent) {
        return counts.failed >= batch.rule.fail;
    }
    const std::uint64_t ended = counts.succeeded + counts.failed;
    return counts.failed >= telling_failures && counts.failed * 100 >= ended * batch.rule.fail;
}

BatchId BatchBook::take_halting()
{
    if (halting_.empty()) {
        return {};
    }
    const BatchId batch = halting_.back();
    halting_.pop_back();
    return batch;
}

JobHandle BatchBook::first(BatchId batch) const
{
    const auto found = batches_.find(batch);
    return found == batches_.end() ? no_job : found->second.jobs.first();
}

bool BatchBook::halted(BatchId batch) const
{
    const auto found = batches_.find(batch);
    return found != batches_.end() && found->second.counts.halted;
}

BatchCounts BatchBook::counts(const JobTable& jobs, BatchId batch) const
{
    const auto found = batches_.find(batch);
    if (found == batches_.end()) {
        return {};
    }
    BatchCounts counts = found->second.counts;
    for (JobHandle at = found->second.jobs.first(); at != no_job; at = jobs[at].fellow.next) {
        const JobState state = state_of(jobs[at].stage);
        ++(state == JobState::waiting  ? counts.waiting
           : state == JobState::queued ? counts.queued
                                       : counts.running);
    }
    return counts;
}

}  // namespace jobmill::core
