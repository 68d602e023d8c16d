// SPDX-License-Identifier: MIT
#include "daemon/core/job_queue.hpp"

#include <algorithm>
#include <optional>
#include <tuple>

#include "daemon/core/planted_bug.hpp"

namespace jobmill::core {

namespace {

/// A level that was not served for so long counts as one higher.
constexpr Duration ageing_step = std::chrono::seconds{1};

}  // namespace

std::size_t JobQueue::LaneHash::operator()(const LaneKey& key) const noexcept
{
    constexpr std::uint64_t golden = 0x9E3779B97F4A7C15U;
    const std::uint64_t who = number(key.session) * golden ^ std::uint64_t{number(key.user)} << 32U;
    const std::uint64_t what = std::uint64_t{number(key.label)} << 9U |
                               static_cast<std::uint64_t>(key.priority + 128) << 1U |
                               (key.attached ? 1U : 0U);
    return (who ^ what) * golden;
}

void JobQueue::enter(const Job& job)
{
    users_.enter(job.user);
    sessions_.enter(job.session);
}

void JobQueue::leave(const Job& job)
{
    users_.leave(job.user);
    sessions_.leave(job.session);
}

void JobQueue::push(JobTable& jobs, JobHandle handle, std::int8_t priority, TimePoint now)
{
    Job& job = jobs[handle];
    job.arrival = ++arrivals_;
    lanes_[number(lane_for(job, priority, now))].jobs.push_back(jobs, handle);
    ++size_;
}

void JobQueue::put_back(JobTable& jobs, JobHandle handle, std::int8_t priority, TimePoint now)
{
    Job& job = jobs[handle];
    Lane& lane = lanes_[number(lane_for(job, priority, now))];
    JobHandle next = lane.jobs.first();
    while (next != no_job && jobs[next].arrival < job.arrival) {
        next = jobs[next].place.next;
    }
    lane.jobs.insert_before(jobs, next, handle);
    ++size_;
}

void JobQueue::remove(JobTable& jobs, JobHandle handle)
{
    const LaneId id = jobs[handle].lane;
    Lane& lane = lanes_[number(id)];
    lane.jobs.remove(jobs, handle);
    --size_;
    if (lane.jobs.empty()) {
        close_lane(id);
    }
}

JobHandle JobQueue::any() const
{
    for (const Level& level : levels_) {
        if (!level.lanes.empty()) {
            return lanes_[number(level.lanes.front())].jobs.first();
        }
    }
    return no_job;
}

LaneId JobQueue::lane_for(Job& job, std::int8_t priority, TimePoint now)
{
    if (index_.size() >= room_) {
        forget_empty_lanes();
    }
    const auto [place, is_new] = index_.try_emplace(key_of(job, priority), LaneId{});
    if (is_new) {
        if (free_lanes_.empty()) {
            place->second = LaneId{static_cast<std::uint32_t>(lanes_.size())};
            lanes_.emplace_back();
        } else {
            place->second = free_lanes_.back();
            free_lanes_.pop_back();
        }
        lanes_[number(place->second)] = Lane{.key = place->first, .jobs = {}};
    }
    job.lane = place->second;
    if (lanes_[number(job.lane)].jobs.empty()) {
        open_lane(job.lane, now);
    }
    return job.lane;
}

JobQueue::Level& JobQueue::level_of(std::int8_t priority)
{
    const auto level = std::find_if(levels_.begin(), levels_.end(),
                                    [&](const Level& each) { return each.priority == priority; });
    return level != levels_.end()
               ? *level
               : levels_.emplace_back(Level{.priority = priority, .served = {}, .lanes = {}});
}

void JobQueue::open_lane(LaneId id, TimePoint now)
{
    Lane& lane = lanes_[number(id)];
    Level& level = level_of(lane.key.priority);
    if (level.lanes.empty()) {
        level.served = now;
    }
    // Beside lanes of the same session it begins where the least of them is, or later.
    std::optional<Spent> least;
    for (const LaneId other : level.lanes) {
        const Lane& sister = lanes_[number(other)];
        if (sister.key.session == lane.key.session) {
            least = std::min(least.value_or(sister.spent), sister.spent);
        }
    }
    lane.spent = std::max(lane.spent, least.value_or(0));
    lane.user = &users_.entry(lane.key.user);
    lane.session = &sessions_.entry(lane.key.session);
    level.lanes.push_back(id);
}

void JobQueue::close_lane(LaneId id)
{
    Level& level = level_of(lanes_[number(id)].key.priority);
    level.lanes.erase(std::find(level.lanes.begin(), level.lanes.end(), id));
}

void JobQueue::forget_empty_lanes()
{
    std::erase_if(index_, [this](const auto& each) {
        const bool empty = lanes_[number(each.second)].jobs.empty();
        if (empty) {
            free_lanes_.push_back(each.second);
        }
        return empty;
    });
    room_ = std::max(fewest_lanes, 2 * index_.size());
}

void JobQueue::sort_levels(TimePoint now) const
{
    order_.clear();
    for (std::uint32_t at = 0; at < levels_.size(); ++at) {
        if (!levels_[at].lanes.empty()) {
            order_.push_back(at);
        }
    }
    const auto aged = [&](std::uint32_t at) {
        const Duration age = JOBMILL_BUG(16) ? Duration{} : now - levels_[at].served;
        return levels_[at].priority * ageing_step + age;
    };
    if (order_.size() > 1) {
        std::sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
            return std::tuple{aged(a), levels_[a].priority} >
                   std::tuple{aged(b), levels_[b].priority};
        });
    }
}

bool JobQueue::precedes(const Lane& lane, const Lane& other)
{
    const auto standing = [](const Lane& each) {
        return std::tuple{each.user->spent, each.key.user, each.session->spent, each.key.session,
                          each.spent};
    };
    return standing(lane) < standing(other);
}

Duration JobQueue::serve(JobTable& jobs, JobHandle handle, std::uint32_t weight, TimePoint now)
{
    const Job& job = jobs[handle];
    Lane& lane = lanes_[number(job.lane)];
    level_of(lane.key.priority).served = now;
    const Spent cost = weighted(expected_, weight);
    users_.serve(job.user, JOBMILL_BUG(10) ? Spent{0} : cost);
    sessions_.serve(job.session, cost);
    lane.spent += cost;
    remove(jobs, handle);
    return Duration{static_cast<Duration::rep>(cost)};
}

void JobQueue::settle(const Job& job, Duration charged, std::uint32_t weight, Duration cpu)
{
    const auto before = static_cast<Spent>(charged.count());
    const Spent cost = weighted(cpu, weight);
    users_.correct(job.user, before, cost);
    sessions_.correct(job.session, before, cost);
    constexpr int memory = 8;
    expected_ += (std::max(cpu, Duration{1000}) - expected_) / memory;
}

void JobQueue::refund(const Job& job, Duration charged)
{
    const auto before = static_cast<Spent>(charged.count());
    users_.correct(job.user, before, 0);
    sessions_.correct(job.session, before, 0);
}

}  // namespace jobmill::core
