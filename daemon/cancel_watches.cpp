// SPDX-License-Identifier: MIT
#include "daemon/cancel_watches.hpp"

namespace jobmill::daemon {

std::uint64_t CancelWatches::open(SessionId session, Tag tag)
{
    watches_.emplace(++last_, Watch{.session = session, .tag = tag, .pending = 1});
    return last_;
}

void CancelWatches::expect(std::uint64_t watch, JobId job)
{
    ++watches_.at(watch).pending;
    expected_.emplace(job, watch);
}

void CancelWatches::settle(JobId job, core::EndedBy by)
{
    for (auto entry = expected_.find(job); entry != expected_.end(); entry = expected_.find(job)) {
        const std::uint64_t watch = entry->second;
        expected_.erase(entry);
        Watch& settled = watches_.at(watch);
        if (by == core::EndedBy::cancel_queued || by == core::EndedBy::stop_queued) {
            ++settled.queued;
        } else if (by != core::EndedBy::worker) {
            ++settled.running;
        }
        count_down(watch);
    }
}

void CancelWatches::count_down(std::uint64_t watch)
{
    const auto found = watches_.find(watch);
    if (--found->second.pending > 0) {
        return;
    }
    const Watch over = found->second;
    watches_.erase(found);
    answer_(over.session,
            Cancelled{.tag = over.tag, .queued = over.queued, .running = over.running});
}

}  // namespace jobmill::daemon
