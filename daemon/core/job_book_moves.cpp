// SPDX-License-Identifier: MIT
// Jobs that come to another pool or label, and pools that go.
#include <algorithm>

#include "common/assert.hpp"
#include "daemon/core/job_book.hpp"
#include "daemon/core/planted_bug.hpp"

namespace jobmill::core {

void JobBook::move(JobHandle handle, PoolId to, std::uint16_t handler, TimePoint now)
{
    Job& job = jobs_[handle];
    if (!unassigned(job.stage) || job.pool == to) {
        return;
    }
    const bool waits = job.stage == JobStage::waiting;
    Backlog& from = backlog_of(job);
    leave_place(handle, now);
    --from.unfinished;
    const JobQueue::LaneKey key = whose(job);
    from.queue.leave(job);
    job.pool = to;
    job.handler = handler;
    Backlog& there = backlog_of(job);
    ++there.unfinished;
    there.queue.enter(job, key);
    if (waits) {
        there.waiting.push_back(jobs_, handle);
    } else {
        enter_queue(handle, true, now);
    }
}

void JobBook::relabel(JobHandle handle, LabelId label, TimePoint now)
{
    Job& job = jobs_[handle];
    const bool queued = job.stage == JobStage::queued;
    if (queued) {
        leave_place(handle, now);
    } else if (!unassigned(job.stage) && !JOBMILL_BUG(28)) {
        labels_.moved(whose(job).label, label, job.lends);
    }
    JobQueue::LaneKey key = whose(job);
    key.label = label;
    backlog_of(job).queue.rekey(job, key);
    if (queued) {
        enter_queue(handle, true, now);
    }
}

std::vector<bool> JobBook::labels_of_jobs() const
{
    std::vector<bool> used;
    for (const Backlog& backlog : backlogs_) {
        backlog.queue.each_lane([&](const JobQueue::LaneKey& lane) {
            used.resize(std::max(used.size(), std::size_t{number(lane.label)} + 1));
            used[number(lane.label)] = true;
        });
    }
    return used;
}

void JobBook::remove_pool(PoolId pool)
{
    JOBMILL_ASSERT(unfinished(pool) == 0);
    backlogs_[number(pool)] = Backlog{};
}

JobHandle JobBook::any_unassigned(PoolId pool) const
{
    const Backlog& backlog = backlogs_[number(pool)];
    return backlog.waiting.empty() || JOBMILL_BUG(19) ? backlog.queue.any()
                                                      : backlog.waiting.first();
}

}  // namespace jobmill::core
