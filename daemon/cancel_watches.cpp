// SPDX-License-Identifier: MIT
#include "daemon/cancel_watches.hpp"

#include "daemon/refusal.hpp"

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

void CancelWatches::expect_of_tag(SessionId session, Tag tag, JobId job)
{
    watches_.emplace(++last_, Watch{.session = session, .tag = tag, .pending = 1, .of_tag = true});
    expected_.emplace(job, last_);
}

std::uint64_t CancelWatches::take(JobId job)
{
    const auto entry = expected_.find(job);
    if (entry == expected_.end()) {
        return 0;
    }
    const std::uint64_t watch = entry->second;
    expected_.erase(entry);
    return watch;
}

void CancelWatches::settle(const core::JobEnded& end)
{
    for (std::uint64_t watch = take(end.job); watch != 0; watch = take(end.job)) {
        Watch& settled = watches_.at(watch);
        if (end.was != JobState::running) {
            ++settled.queued;
        } else if (end.by != core::EndedBy::worker) {
            ++settled.running;
        }
        count_down(watch);
    }
}

void CancelWatches::let_be(JobId job)
{
    for (std::uint64_t watch = take(job); watch != 0; watch = take(job)) {
        Watch& settled = watches_.at(watch);
        ++settled.running;
        settled.let_be = true;
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
    if (!over.of_tag) {
        answer_(over.session,
                Cancelled{.tag = over.tag, .queued = over.queued, .running = over.running});
    } else if (over.let_be) {
        answer_(over.session,
                ErrorMessage{.tag = over.tag,
                             .error = refusal(error_code::running, "the job runs, and is let be")});
    }
}

}  // namespace jobmill::daemon
