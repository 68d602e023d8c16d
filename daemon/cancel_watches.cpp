// SPDX-License-Identifier: MIT
#include "daemon/cancel_watches.hpp"

#include <algorithm>

#include "daemon/refusal.hpp"

namespace jobmill::daemon {

std::uint64_t CancelWatches::open(SessionId session, Tag tag, bool unless_running)
{
    watches_.emplace(
        ++last_,
        Watch{.session = session, .tag = tag, .pending = 1, .unless_running = unless_running});
    return last_;
}

void CancelWatches::expect(std::uint64_t watch, JobId job)
{
    ++watches_.at(watch).pending;
    expected_.emplace(job, watch);
}

void CancelWatches::expect_of_tag(SessionId session, Tag tag, JobId job)
{
    watches_.emplace(
        ++last_,
        Watch{
            .session = session, .tag = tag, .pending = 1, .unless_running = true, .of_tag = true});
    expected_.emplace(job, last_);
}

std::uint64_t CancelWatches::take(JobId job, Wanted wanted)
{
    const auto [first, last] = expected_.equal_range(job);
    const auto entry = std::find_if(
        first, last, [&](const auto& each) { return wanted(watches_.at(each.second)); });
    if (entry == last) {
        return 0;
    }
    const std::uint64_t watch = entry->second;
    expected_.erase(entry);
    return watch;
}

void CancelWatches::settle(const core::JobEnded& end)
{
    const Wanted any = [](const Watch&) { return true; };
    for (std::uint64_t watch = take(end.job, any); watch != 0; watch = take(end.job, any)) {
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
    const Wanted patient = [](const Watch& watch) { return watch.unless_running; };
    for (std::uint64_t watch = take(job, patient); watch != 0; watch = take(job, patient)) {
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
