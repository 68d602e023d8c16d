// SPDX-License-Identifier: MIT
// Jobs that wait for jobs which they have submitted themselves, or for their readers.
#include "daemon/core/job_book.hpp"
#include "daemon/core/planted_bug.hpp"

namespace jobmill::core {

bool JobBook::lend(JobHandle handle)
{
    Job& job = jobs_[handle];
    if (job.lends || unassigned(job.stage) || (jobs_.extras(job).children == 0 && !job.paused)) {
        return false;
    }
    job.lends = true;
    job.waited = true;
    ++(*slots_)[held(job).worker.slot].lending;
    ++backlog_of(job).lent;
    --working_;
    labels_.lends(whose(job).label);
    lending_changed_.push_back(job.pool);
    return true;
}

bool JobBook::pause(JobHandle handle, bool paused)
{
    Job& job = jobs_[handle];
    mark_paused(job, paused);
    if (!paused && jobs_.extras(job).children == 0) {
        stop_lending(job);
    }
    return paused && !JOBMILL_BUG(32) && lend(handle);
}

void JobBook::mark_paused(Job& job, bool paused)
{
    if (job.paused == paused) {
        return;
    }
    job.paused = paused;
    Backlog& backlog = backlog_of(job);
    const auto user = backlog.paused.try_emplace(whose(job).user).first;
    user->second += paused ? 1U : -1U;
    if (!paused) {
        free_crowds(backlog, user->first);
        lending_changed_.push_back(job.pool);
    }
    if (user->second == 0) {
        backlog.paused.erase(user);
    }
}

void JobBook::stop_lending(Job& job)
{
    if (job.lends) {
        job.lends = false;
        --(*slots_)[held(job).worker.slot].lending;
        Backlog& backlog = backlog_of(job);
        backlog.lent -= JOBMILL_BUG(14) ? 0U : 1U;
        free_crowds(backlog, whose(job).user);
        ++working_;
        labels_.goes_on(whose(job).label);
        lending_changed_.push_back(job.pool);
    }
}

void JobBook::release_parent(const Job& job)
{
    const JobId id = jobs_.extras(job).parent;
    const JobHandle parent = number(id) == 0 ? no_job : find(id);
    if (parent != no_job && --jobs_.own_extras(parent).children == 0 && !jobs_[parent].paused) {
        stop_lending(jobs_[parent]);
    }
}

std::optional<PoolId> JobBook::take_lending_changed()
{
    if (lending_changed_.empty()) {
        return {};
    }
    const PoolId pool = lending_changed_.back();
    lending_changed_.pop_back();
    return pool;
}

}  // namespace jobmill::core
