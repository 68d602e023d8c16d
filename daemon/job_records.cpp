// SPDX-License-Identifier: MIT
#include "daemon/job_records.hpp"

#include <algorithm>
#include <bit>

namespace jobmill::daemon {
namespace {

constexpr std::size_t smallest_index = 64;
/// Up to here it does not shrink: it would with every burst of jobs, to grow again with the next.
constexpr std::size_t kept_index = std::size_t{16} * 1024;

}  // namespace

JobRecords::JobRecords() : index_(smallest_index, none) {}

void JobRecords::add(JobRecord record)
{
    JOBMILL_ASSERT(!contains(record.id));
    User& user = users_[record.uid];
    ++size_;
    ++user.jobs;
    const Place place = slab_.take();
    Node& node = slab_[place];
    node.record = std::move(record);
    node.older = user.youngest;
    (user.youngest == none ? user.oldest : slab_[user.youngest].younger) = place;
    user.youngest = place;
    if (size_ * 2 > index_.size()) {
        resize_index(index_.size() * 2);
    }
    enter(place);
}

JobRecord JobRecords::take(JobId job)
{
    const Place place = known(job);
    strike(place);
    Node& node = slab_[place];
    User& user = users_.at(node.record.uid);
    (node.older == none ? user.oldest : slab_[node.older].younger) = node.younger;
    (node.younger == none ? user.youngest : slab_[node.younger].older) = node.older;
    --size_;
    if (--user.jobs == 0) {
        users_.erase(node.record.uid);
    }
    JobRecord record = std::move(node.record);
    slab_.give_back(place);
    if (size_ * 16 < index_.size() && index_.size() > kept_index) {
        resize_index(index_.size() / 4);
    }
    return record;
}

JobRecord* JobRecords::find(JobId job)
{
    const Place place = place_of(job);
    return place == none ? nullptr : &slab_[place].record;
}

const JobRecord* JobRecords::find(JobId job) const
{
    const Place place = place_of(job);
    return place == none ? nullptr : &slab_[place].record;
}

std::size_t JobRecords::count_of(unsigned uid) const
{
    const auto user = users_.find(uid);
    return user == users_.end() ? 0 : user->second.jobs;
}

// ---- the index ----------------------------------------------------------------------------------

/// Fibonacci hashing: numbers are mostly consecutive, and so are their homes' neighbours then.
std::size_t JobRecords::home_of(JobId job) const
{
    constexpr std::uint64_t golden = 0x9E3779B97F4A7C15U;
    const auto bits = static_cast<unsigned>(std::countr_zero(index_.size()));
    return (number(job) * golden) >> (64U - bits);
}

JobRecords::Place JobRecords::place_of(JobId job) const
{
    std::size_t at = home_of(job);
    while (index_[at] != none && slab_[index_[at]].record.id != job) {
        at = after(at);
    }
    return index_[at];
}

JobRecords::Place JobRecords::known(JobId job) const
{
    const Place place = place_of(job);
    JOBMILL_ASSERT(place != none);
    return place;
}

void JobRecords::enter(Place place)
{
    std::size_t at = home_of(slab_[place].record.id);
    while (index_[at] != none) {
        at = after(at);
    }
    index_[at] = place;
}

void JobRecords::strike(Place place)
{
    std::size_t hole = home_of(slab_[place].record.id);
    while (index_[hole] != place) {
        hole = after(hole);
    }
    // What was pushed past the hole moves back into it, so that no search stops there too early.
    const std::size_t mask = index_.size() - 1;
    for (std::size_t at = after(hole); index_[at] != none; at = after(at)) {
        const std::size_t home = home_of(slab_[index_[at]].record.id);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            index_[hole] = index_[at];
            hole = at;
        }
    }
    index_[hole] = none;
}

void JobRecords::resize_index(std::size_t size)
{
    std::vector<Place> old(size, none);
    old.swap(index_);
    for (const Place place : old) {
        if (place != none) {
            enter(place);
        }
    }
}

}  // namespace jobmill::daemon
