// SPDX-License-Identifier: MIT
#include "daemon/core/batch_book.hpp"

#include <algorithm>

#include "common/assert.hpp"

namespace jobmill::core {

namespace {

/// A share of fewer failures than these says nothing: the first job would decide.
constexpr std::uint64_t telling_failures = 3;

std::uint64_t& count_of(BatchCounts& counts, JobStage stage)
{
    const JobState state = state_of(stage);
    return state == JobState::waiting  ? counts.waiting
           : state == JobState::queued ? counts.queued
                                       : counts.running;
}

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
    const bool halts = std::any_of(halting_.begin(), halting_.end(),
                                   [&](const Halt& halt) { return halt.batch == batch; });
    if (!halts && found != batches_.end() && found->second.closed && found->second.jobs.empty()) {
        batches_.erase(found);
    }
}

void BatchBook::add(JobTable& jobs, JobHandle handle, BatchId batch)
{
    if (number(batch) == 0) {
        return;
    }
    const auto found = batches_.find(batch);
    if (found == batches_.end()) {
        return;
    }
    jobs.own_extras(handle).batch = batch;
    found->second.jobs.push_back(jobs, handle);
    ++found->second.counts.submitted;
    ++count_of(found->second.counts, jobs[handle].stage);
}

void BatchBook::moves(const JobTable& jobs, JobHandle handle, JobStage to)
{
    const JobStage from = jobs[handle].stage;
    const BatchId id = jobs.extras(handle).batch;
    if (number(id) == 0 || state_of(from) == state_of(to)) {
        return;
    }
    const auto found = batches_.find(id);
    if (found != batches_.end()) {
        --count_of(found->second.counts, from);
        ++count_of(found->second.counts, to);
    }
}

void BatchBook::ended(JobTable& jobs, JobHandle handle, JobState state)
{
    const BatchId id = jobs.extras(handle).batch;
    if (number(id) == 0) {
        return;
    }
    const auto found = batches_.find(id);
    if (found == batches_.end()) {
        return;
    }
    Batch& batch = found->second;
    batch.jobs.remove(jobs, handle);
    --count_of(batch.counts, jobs[handle].stage);
    if (state == JobState::succeeded) {
        ++batch.counts.succeeded;
    } else if (state == JobState::cancelled) {
        ++batch.counts.cancelled;
    } else {
        ++batch.counts.failed;
    }
    if (!batch.counts.halted && gives_up(batch)) {
        batch.counts.halted = true;
        halting_.push_back(Halt{.batch = id});
    } else if (batch.closed && batch.jobs.empty()) {
        tidy(id);
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

// ---- giving up ----------------------------------------------------------------------------------

BatchId BatchBook::begin_halt()
{
    for (Halt& halt : halting_) {
        if (!halt.begun) {
            halt.begun = true;
            halt.left = batches_.at(halt.batch).jobs.size();
            return halt.batch;
        }
    }
    return {};
}

BatchId BatchBook::halting() const
{
    return halting_.empty() ? BatchId{} : halting_.back().batch;
}

/// Those that it has been to go to the end of the list, so those that it has not are before them.
/// When others have ended meanwhile it may come to one twice, which is no harm.
JobHandle BatchBook::next_to_halt(JobTable& jobs)
{
    const auto found = batches_.find(halting());
    if (found == batches_.end()) {
        return no_job;
    }
    BatchJobs& rest = found->second.jobs;
    Halt& halt = halting_.back();
    halt.left = std::min<std::uint64_t>(halt.left, rest.size());
    if (halt.left == 0) {
        return no_job;
    }
    --halt.left;
    const JobHandle handle = rest.first();
    rest.remove(jobs, handle);
    rest.push_back(jobs, handle);
    return handle;
}

void BatchBook::end_halt()
{
    const BatchId batch = halting();
    halting_.pop_back();
    tidy(batch);
}

bool BatchBook::settling(BatchId batch) const
{
    return std::any_of(halting_.begin(), halting_.end(),
                       [&](const Halt& halt) { return halt.begun && halt.batch == batch; });
}

// ---- answers ------------------------------------------------------------------------------------

bool BatchBook::halted(BatchId batch) const
{
    const auto found = batches_.find(batch);
    return found != batches_.end() && found->second.counts.halted;
}

BatchCounts BatchBook::counts(BatchId batch) const
{
    const auto found = batches_.find(batch);
    return found == batches_.end() ? BatchCounts{} : found->second.counts;
}

}  // namespace jobmill::core
