// SPDX-License-Identifier: MIT
#include "daemon/core/job_book.hpp"

#include <algorithm>

#include "common/assert.hpp"

namespace jobmill::core {

void JobBook::add_pool(PoolId pool)
{
    backlogs_.resize(std::max(backlogs_.size(), std::size_t{number(pool)} + 1));
}

JobHandle JobBook::admit(const JobSubmitted& submitted)
{
    JOBMILL_ASSERT(number(submitted.pool) < backlogs_.size());
    Job job;
    job.id = submitted.job;
    job.session = submitted.session;
    job.pool = submitted.pool;
    job.attached = !submitted.detached;
    const JobHandle handle = jobs_.add(job);
    if (!submitted.detached) {
        sessions_[submitted.session].push_back(jobs_, handle);
    }
    Backlog& backlog = backlogs_[number(submitted.pool)];
    ++backlog.unfinished;
    backlog.queue.push(jobs_, handle);
    return handle;
}

void JobBook::move(JobHandle handle, PoolId to)
{
    Job& job = jobs_[handle];
    if (job.stage != JobStage::queued || job.pool == to) {
        return;
    }
    Backlog& from = backlogs_[number(job.pool)];
    from.queue.remove(jobs_, handle);
    --from.unfinished;
    job.pool = to;
    ++backlogs_[number(to)].unfinished;
    backlogs_[number(to)].queue.push(jobs_, handle);
}

void JobBook::remove_pool(PoolId pool)
{
    JOBMILL_ASSERT(unfinished(pool) == 0);
    backlogs_[number(pool)] = Backlog{};
}

void JobBook::offer(WorkerSlot& slot, Turn& turn)
{
    JobQueue& queue = backlogs_[number(slot.pool)].queue;
    const JobHandle handle = queue.first();
    const std::optional<JobRow> row = row_of(jobs_[handle].stage, JobWord::offer);
    JOBMILL_ASSERT(row.has_value());
    queue.remove(jobs_, handle);
    Job& job = jobs_[handle];
    job.stage = row->to;
    job.worker = slot.worker;
    job.sequence = slot.next_sequence;
    slot.next_sequence = Sequence{number(slot.next_sequence) + 1};
    if (slot.held.empty()) {
        slot.oldest_held = job.sequence;
    }
    slot.held.push_back(jobs_, handle);
    turn.ask(OfferJob{.worker = slot.worker, .sequence = job.sequence, .job = job.id});
}

bool JobBook::step(JobHandle handle, JobWord word, Turn& turn)
{
    Job& job = jobs_[handle];
    const std::optional<JobRow> row = row_of(job.stage, word);
    if (!row) {
        return false;
    }
    const bool stays = row->to != JobStage::queued && row->to != JobStage::ended;
    if (!stays && row->from == JobStage::queued) {
        backlogs_[number(job.pool)].queue.remove(jobs_, handle);
    } else if (!stays) {
        take_from((*slots_)[job.worker.slot], handle);
    }
    job.stage = row->to;
    if (row->to == JobStage::queued) {
        job.worker = {};
        backlogs_[number(job.pool)].queue.put_back(jobs_, handle);
    } else if (row->to == JobStage::ended) {
        end(handle, row->act, turn);
    }
    return true;
}

void JobBook::take_from(WorkerSlot& slot, JobHandle handle)
{
    slot.held.remove(jobs_, handle);
    if (!slot.held.empty()) {
        slot.oldest_held = jobs_[slot.held.first()].sequence;
    }
}

void JobBook::end(JobHandle handle, const JobOutcome& outcome, Turn& turn)
{
    Job& job = jobs_[handle];
    const bool ran = outcome.by != EndedBy::cancel_queued && outcome.by != EndedBy::stop_queued;
    turn.ask(JobEnded{.job = job.id,
                      .state = outcome.state,
                      .by = outcome.by,
                      .worker = ran ? job.worker : WorkerId{}});
    Backlog& backlog = backlogs_[number(job.pool)];
    --backlog.unfinished;
    ++backlog.done;
    backlog.failed += outcome.state == JobState::failed ? 1U : 0U;
    backlog.crashed += outcome.state == JobState::crashed ? 1U : 0U;
    if (job.attached) {
        sessions_[job.session].remove(jobs_, handle);
    }
    jobs_.remove(handle);
}

JobHandle JobBook::first_queued(PoolId pool) const
{
    return backlogs_[number(pool)].queue.first();
}

JobHandle JobBook::held_under(const WorkerSlot& slot, Sequence sequence) const
{
    JobHandle at = slot.held.first();
    while (at != no_job && jobs_[at].sequence != sequence) {
        at = jobs_[at].place.next;
    }
    return at;
}

JobHandle JobBook::running(const WorkerSlot& slot) const
{
    JobHandle at = slot.held.last();
    while (at != no_job && !begun(jobs_[at].stage)) {
        at = jobs_[at].place.previous;
    }
    return at;
}

JobHandle JobBook::detach_one(SessionId session)
{
    const auto found = sessions_.find(session);
    if (found == sessions_.end()) {
        return no_job;
    }
    const JobHandle handle = found->second.first();
    if (handle == no_job) {
        sessions_.erase(found);
        return no_job;
    }
    found->second.remove(jobs_, handle);
    jobs_[handle].attached = false;
    return handle;
}

void JobBook::count(PoolId pool, PoolCounts& counts) const
{
    const Backlog& backlog = backlogs_[number(pool)];
    counts.queued = backlog.queue.size();
    counts.done = backlog.done;
    counts.failed = backlog.failed;
    counts.crashed = backlog.crashed;
}

}  // namespace jobmill::core
