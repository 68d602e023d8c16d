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

void CancelWatches::settle(const core::JobEnded& end)
{
    for (auto entry = expected_.find(end.job); entry != expected_.end();
         entry = expected_.find(end.job)) {
        const std::uint64_t watch = entry->second;
        expected_.erase(entry);
        Watch& settled = watches_.at(watch);
        if (end.was != JobState::running) {
            ++settled.queued;
        } else if (end.by != core::EndedBy::worker) {
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
