// SPDX-License-Identifier: MIT
// Whose queued jobs have to wait though there are workers for them.
#include "daemon/core/job_book.hpp"
#include "daemon/core/planted_bug.hpp"

namespace jobmill::core {

Hindrance JobBook::hindrance_of(const JobQueue::LaneKey& lane) const
{
    if (!labels_.may_run(lane.label)) {
        return Hindrance::label;
    }
    const bool waits = !behind_.empty() && lane.attached && behind_.contains(lane.session);
    const bool held = !held_.empty() && held_.contains(lane.user) && !JOBMILL_BUG(31);
    return (waits && !JOBMILL_BUG(25)) || held ? Hindrance::owner : Hindrance::none;
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

bool JobBook::hold(UserId user, bool held)
{
    if (held) {
        held_.insert(user);
        return false;
    }
    if (held_.erase(user) == 0) {
        return false;
    }
    for (Backlog& backlog : backlogs_) {
        backlog.queue.free(user);
        backlog.queue.come_back(user);
    }
    return true;
}

}  // namespace jobmill::core
