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
    leave_place(handle, now);
    change_pool(job, to, handler);
    if (waits) {
        backlog_of(job).waiting.push_back(jobs_, handle);
    } else {
        enter_queue(handle, true, now);
    }
}

/// While it is in no place.
void JobBook::change_pool(Job& job, PoolId to, std::uint16_t handler)
{
    Backlog& from = backlog_of(job);
    --from.unfinished;
    const JobQueue::LaneKey key = whose(job);
    from.queue.leave(job);
    job.pool = to;
    job.handler = handler;
    Backlog& there = backlog_of(job);
    ++there.unfinished;
    there.queue.enter(job, key);
}

// ---- pools that follow others -------------------------------------------------------------------

void JobBook::succeed(const HandlerSucceeded& event)
{
    std::vector<Heir>& heirs = backlogs_[number(event.pool)].heirs;
    std::erase_if(heirs, [&](const Heir& each) { return each.of == event.handler; });
    heirs.push_back({.of = event.handler, .pool = event.to, .handler = event.to_handler});
}

void JobBook::disinherit(PoolId pool)
{
    for (Backlog& backlog : backlogs_) {
        std::erase_if(backlog.heirs,
                      [&](const Heir& each) { return each.pool == pool && !JOBMILL_BUG(53); });
    }
}

const JobBook::Heir* JobBook::heir_of(const Job& job) const
{
    const std::vector<Heir>& heirs = backlogs_[number(job.pool)].heirs;
    const auto found = std::find_if(heirs.begin(), heirs.end(),
                                    [&](const Heir& each) { return each.of == job.handler; });
    return found == heirs.end() ? nullptr : &*found;
}

/// It is in no place, and comes to one: false when that is in the pool where it was.
bool JobBook::hand_over(JobHandle handle, Turn& turn)
{
    Job& job = jobs_[handle];
    const Heir* heir = heir_of(job);
    if (heir == nullptr) {
        return false;
    }
    change_pool(job, heir->pool, heir->handler);
    turn.ask(JobHandedOver{.job = job.id, .to = job.pool, .handler = job.handler});
    return true;
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
