// SPDX-License-Identifier: MIT
#include "daemon/set_aside.hpp"

#include <algorithm>
#include <utility>

namespace jobmill::daemon {
namespace {

/// Of what it keeps: its arguments, its payload, and its inputs.
std::uint64_t size_of(const Submission& submission)
{
    std::uint64_t size = submission.content.args().size() + submission.content.payload_size();
    if (submission.ask) {
        for (const JobContent& input : submission.ask->inputs) {
            size += input.payload_size();
        }
    }
    return size;
}

}  // namespace

void SetAside::keep(Job job)
{
    const std::uint64_t size = size_of(job.submission);
    const std::uint64_t place = ++last_place_;
    Share& share = shares_[job.uid];
    share.places.insert(place);
    share.bytes += size;
    bytes_ += size;
    jobs_.emplace(place, std::move(job));
    make_room();
}

void SetAside::make_room()
{
    while (true) {
        const bool too_many = jobs_.size() > limits_.jobs;
        if (!too_many && (jobs_.size() <= 1 || bytes_ <= limits_.bytes)) {
            return;
        }
        const auto greedier = [&](const auto& one, const auto& other) {
            const Share& left = one.second;
            const Share& right = other.second;
            const std::uint64_t mine = too_many ? left.places.size() : left.bytes;
            const std::uint64_t theirs = too_many ? right.places.size() : right.bytes;
            return mine != theirs ? mine < theirs : *left.places.begin() > *right.places.begin();
        };
        const auto most = std::max_element(shares_.begin(), shares_.end(), greedier);
        (void)remove(jobs_.find(*most->second.places.begin()));
    }
}

SetAside::Job SetAside::remove(Jobs::iterator at)
{
    Job job = std::move(at->second);
    const std::uint64_t size = size_of(job.submission);
    const auto share = shares_.find(job.uid);
    share->second.places.erase(at->first);
    share->second.bytes -= size;
    if (share->second.places.empty()) {
        shares_.erase(share);
    }
    bytes_ -= size;
    jobs_.erase(at);
    return job;
}

const SetAside::Job* SetAside::find(JobId job, unsigned uid, bool all) const
{
    const auto found = std::find_if(jobs_.begin(), jobs_.end(), [&](const auto& each) {
        return each.second.id == job && (all || each.second.uid == uid);
    });
    return found == jobs_.end() ? nullptr : &found->second;
}

std::optional<SetAside::Job> SetAside::take(JobId job)
{
    const auto found = std::find_if(jobs_.begin(), jobs_.end(),
                                    [&](const auto& each) { return each.second.id == job; });
    if (found == jobs_.end()) {
        return {};
    }
    return remove(found);
}

}  // namespace jobmill::daemon
