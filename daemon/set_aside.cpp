// SPDX-License-Identifier: MIT
#include "daemon/set_aside.hpp"

#include <algorithm>

namespace jobmill::daemon {

void SetAside::keep(Job job)
{
    bytes_ += job.submission.content.payload_size();
    jobs_.push_back(std::move(job));
    make_room();
}

void SetAside::make_room()
{
    while (jobs_.size() > limits_.jobs || (jobs_.size() > 1 && bytes_ > limits_.bytes)) {
        bytes_ -= jobs_.front().submission.content.payload_size();
        jobs_.pop_front();
    }
}

const SetAside::Job* SetAside::find(JobId job, unsigned uid, bool all) const
{
    const auto found = std::find_if(jobs_.begin(), jobs_.end(), [&](const Job& each) {
        return each.id == job && (all || each.uid == uid);
    });
    return found == jobs_.end() ? nullptr : &*found;
}

std::optional<SetAside::Job> SetAside::take(JobId job)
{
    const auto found =
        std::find_if(jobs_.begin(), jobs_.end(), [&](const Job& each) { return each.id == job; });
    if (found == jobs_.end()) {
        return {};
    }
    Job taken = std::move(*found);
    bytes_ -= taken.submission.content.payload_size();
    jobs_.erase(found);
    return taken;
}

}  // namespace jobmill::daemon
