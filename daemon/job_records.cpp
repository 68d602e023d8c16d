// SPDX-License-Identifier: MIT
#include "daemon/job_records.hpp"

namespace jobmill::daemon {

void JobRecords::add(JobRecord record)
{
    User& user = users_[record.uid];
    const std::uint64_t key = number(record.id);
    const auto [place, is_new] =
        nodes_.emplace(key, Node{.record = std::move(record), .older = user.youngest});
    JOBMILL_ASSERT(is_new);
    Node& node = place->second;
    (user.youngest == nullptr ? user.oldest : user.youngest->younger) = &node;
    user.youngest = &node;
    ++user.count;
}

JobRecord JobRecords::take(JobId job)
{
    const auto place = nodes_.find(number(job));
    JOBMILL_ASSERT(place != nodes_.end());
    Node& node = place->second;
    const auto user = users_.find(node.record.uid);
    (node.older == nullptr ? user->second.oldest : node.older->younger) = node.younger;
    (node.younger == nullptr ? user->second.youngest : node.younger->older) = node.older;
    if (--user->second.count == 0) {
        users_.erase(user);
    }
    JobRecord record = std::move(node.record);
    nodes_.erase(place);
    return record;
}

JobRecord* JobRecords::find(JobId job, unsigned uid)
{
    const auto place = nodes_.find(number(job));
    return place == nodes_.end() || place->second.record.uid != uid ? nullptr
                                                                    : &place->second.record;
}

const JobRecord* JobRecords::find(JobId job, unsigned uid) const
{
    const auto place = nodes_.find(number(job));
    return place == nodes_.end() || place->second.record.uid != uid ? nullptr
                                                                    : &place->second.record;
}

std::size_t JobRecords::count_of(unsigned uid) const
{
    const auto user = users_.find(uid);
    return user == users_.end() ? 0 : user->second.count;
}

}  // namespace jobmill::daemon
