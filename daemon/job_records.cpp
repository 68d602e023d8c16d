// SPDX-License-Identifier: MIT
#include "daemon/job_records.hpp"

#include "common/assert.hpp"

namespace jobmill::daemon {

JobRecord& JobRecords::add(JobId job, unsigned uid)
{
    User& user = users_[uid];
    ++user.jobs;
    const Place place = slab_.take();
    Node& node = slab_[place];
    node.record.id = job;
    node.record.uid = uid;
    node.older = user.youngest;
    (user.youngest == none ? user.oldest : slab_[user.youngest].younger) = place;
    user.youngest = place;
    const bool added = index_.add(place, ids());
    JOBMILL_ASSERT(added);
    return node.record;
}

JobRecord JobRecords::take(JobId job)
{
    const Place place = index_.take(number(job), ids());
    JOBMILL_ASSERT(place != none);
    Node& node = slab_[place];
    User& user = users_.at(node.record.uid);
    (node.older == none ? user.oldest : slab_[node.older].younger) = node.younger;
    (node.younger == none ? user.youngest : slab_[node.younger].older) = node.older;
    if (--user.jobs == 0) {
        users_.erase(node.record.uid);
    }
    JobRecord record = std::move(node.record);
    slab_.give_back(place);
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

JobRecords::Place JobRecords::place_of(JobId job) const
{
    return index_.find(number(job), ids());
}

JobRecords::Place JobRecords::known(JobId job) const
{
    const Place place = place_of(job);
    JOBMILL_ASSERT(place != none);
    return place;
}

}  // namespace jobmill::daemon
