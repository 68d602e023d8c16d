// SPDX-License-Identifier: MIT
#include "tests/support/turn_order.hpp"

#include <algorithm>

namespace jobmill::sim {

void TurnOrder::push(PretendJob& job, TimePoint now, bool together)
{
    arrivals_ += together ? 0U : 1U;
    job.arrival = arrivals_;
    insert(job, now);
}

void TurnOrder::put_back(const PretendJob& job, TimePoint now)
{
    insert(job, now);
}

void TurnOrder::insert(const PretendJob& job, TimePoint now)
{
    auto level = std::find_if(levels_.begin(), levels_.end(), [&](const Level& each) {
        return each.priority == job.terms.priority;
    });
    if (level == levels_.end()) {
        level = levels_.insert(level, Level{.priority = job.terms.priority, .served = now});
    }
    auto lane = std::find_if(level->lanes.begin(), level->lanes.end(),
                             [&](const Lane& each) { return each.likeness == likeness(job); });
    if (lane == level->lanes.end()) {
        lane = level->lanes.insert(lane, Lane{.likeness = likeness(job)});
    }
    lane->turns.insert(std::upper_bound(lane->turns.begin(), lane->turns.end(), job.arrival),
                       job.arrival);
    ++size_;
}

void TurnOrder::remove(const PretendJob& job)
{
    const auto level = std::find_if(levels_.begin(), levels_.end(), [&](const Level& each) {
        return each.priority == job.terms.priority;
    });
    const auto lane = std::find_if(level->lanes.begin(), level->lanes.end(), [&](const Lane& each) {
        return each.likeness == likeness(job);
    });
    lane->turns.erase(std::lower_bound(lane->turns.begin(), lane->turns.end(), job.arrival));
    --size_;
    if (lane->turns.empty()) {
        level->lanes.erase(lane);
    }
    if (level->lanes.empty()) {
        levels_.erase(level);
    }
}

void TurnOrder::serve(const PretendJob& job, TimePoint now)
{
    for (Level& level : levels_) {
        if (level.priority == job.terms.priority) {
            level.served = now;
        }
    }
}

const TurnOrder::Level* TurnOrder::level_of(std::int8_t priority) const
{
    for (const Level& level : levels_) {
        if (level.priority == priority) {
            return &level;
        }
    }
    return nullptr;
}

const TurnOrder::Lane* TurnOrder::lane_of(const Level& level, const PretendJob& job)
{
    for (const Lane& lane : level.lanes) {
        if (lane.likeness == likeness(job)) {
            return &lane;
        }
    }
    return nullptr;
}

}  // namespace jobmill::sim
