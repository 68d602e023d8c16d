// SPDX-License-Identifier: MIT
// Whose queued jobs have to wait though there are workers for them.
#include "daemon/core/job_book.hpp"
#include "daemon/core/planted_bug.hpp"

namespace jobmill::core {

Hindrance JobBook::hindrance_of(const Backlog& backlog, const JobQueue::LaneKey& lane) const
{
    if (!labels_.may_run(lane.label)) {
        return Hindrance::label;
    }
    const bool waits = !behind_.empty() && lane.attached && behind_.contains(lane.session);
    const bool suspended =
        !suspended_.empty() && suspended_.contains(lane.user) && !JOBMILL_BUG(31);
    return (waits && !JOBMILL_BUG(25)) || suspended || crowds(backlog, lane.user) ? Hindrance::owner
                                                                                  : Hindrance::none;
}

bool JobBook::crowds(const Backlog& backlog, UserId user)
{
    if (backlog.lent < many_lent) {
        return false;
    }
    const auto found = backlog.paused.find(user);
    return found != backlog.paused.end() && found->second >= many_paused;
}

/// That user, and all others who crowded, may do so no longer; who still does is held back anew.
void JobBook::free_crowds(Backlog& backlog, UserId user)
{
    if (backlog.lent + 1 < many_lent) {
        return;
    }
    const auto free = [&](UserId each) {
        backlog.queue.free(each);
        backlog.queue.come_back(each);
    };
    free(user);
    for (const auto& [other, paused] : backlog.paused) {
        if (other != user && paused >= many_paused) {
            free(other);
        }
    }
}

bool JobBook::catch_up(SessionId session)
{
    if (behind_.erase(session) == 0) {
        return false;
    }
    const auto found = sessions_.find(session);
    if (found == sessions_.end() || found->second.empty()) {
        return true;
    }
    const UserId user = whose(found->second.first()).user;
    for (Backlog& backlog : backlogs_) {
        backlog.queue.free(user, session);
        if (!JOBMILL_BUG(26)) {
            backlog.queue.come_back(user);
            backlog.queue.come_back(user, session);
        }
    }
    return true;
}

bool JobBook::suspend(UserId user, bool suspended)
{
    if (suspended) {
        suspended_.insert(user);
        return false;
    }
    if (suspended_.erase(user) == 0) {
        return false;
    }
    for (Backlog& backlog : backlogs_) {
        backlog.queue.free(user);
        backlog.queue.come_back(user);
    }
    return true;
}

}  // namespace jobmill::core
