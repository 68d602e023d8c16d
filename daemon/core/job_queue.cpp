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

void JobQueue::enter(Job& job, const LaneKey& key)
{
    job.lane = lane_for(key);
    Lane& lane = lane_at(job.lane);
    if (lane.unfinished++ == 0) {
        UserAccount& user = users_.enter(key.user);
        lane.owners = {.user = key.user,
                       .session = key.session,
                       .user_account = &user,
                       .session_account = &user.sessions.enter(key.session)};
    }
}

void JobQueue::rekey(Job& job, const LaneKey& key)
{
    const LaneId before = job.lane;
    enter(job, key);
    leave(before);
}

void JobQueue::leave(LaneId id)
{
    Lane& lane = lane_at(id);
    if (--lane.unfinished == 0) {
        lane.owners.user_account->sessions.leave(*lane.owners.session_account);
        users_.leave(*lane.owners.user_account);
    }
}

void JobQueue::push(JobTable& jobs, JobHandle handle, TimePoint now)
{
    Job& job = jobs[handle];
    job.arrival = ++arrivals_;
    Lane& lane = opened_lane(job, now);
    lane.jobs.push_back(jobs, handle);
    count(lane, true);
}

void JobQueue::put_back(JobTable& jobs, JobHandle handle, TimePoint now)
{
    const Job& job = jobs[handle];
    Lane& lane = opened_lane(job, now);
    // Those that come back together belong near one another, if not at the front.
    JobHandle next = lane.came_back == no_job ? lane.jobs.first() : lane.came_back;
    const auto before = [&](JobHandle at) {
        return at == no_job ? no_job : jobs[at].place.previous;
    };
    while (before(next) != no_job && jobs[before(next)].arrival > job.arrival) {
        next = before(next);
    }
    while (next != no_job && jobs[next].arrival < job.arrival) {
        next = jobs[next].place.next;
    }
    lane.jobs.insert_before(jobs, next, handle);
    lane.came_back = handle;
    count(lane, true);
}

void JobQueue::remove(JobTable& jobs, JobHandle handle)
{
    const LaneId id = jobs[handle].lane;
    Lane& lane = lane_at(id);
    if (lane.came_back == handle) {
        lane.came_back = jobs[handle].place.next;
    }
    lane.jobs.remove(jobs, handle);
    count(lane, false);
    if (lane.jobs.empty()) {
        close_lane(id);
    }
}

void JobQueue::count(const Lane& lane, bool more)
{
    size_ += more ? std::size_t{1} : -std::size_t{1};
    const std::size_t label = number(lane.key.label);
    if (label != 0) {
        by_label_.resize(std::max(by_label_.size(), label + 1));
        by_label_[label] += more ? 1U : -1U;
    }
}

JobHandle JobQueue::any() const
{
    if (sole_) {
        return lanes_[number(*sole_)].jobs.first();
    }
    for (const Level& level : levels_) {
        if (level.lanes > 0) {
            const bool rest = order_.empty(level.aside);
            const Tree tree = !order_.empty(level.common) ? level.common
                              : !rest                     ? level.aside
                                                          : level.apart.front().tree;
            return lanes_[number(order_.first(tree))].jobs.first();
        }
    }
    return no_job;
}

LaneId JobQueue::lane_for(const LaneKey& key)
{
    if (index_.size() >= room_) {
        forget_empty_lanes();
    }
    const auto [place, is_new] = index_.try_emplace(key, LaneId{});
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
    return place->second;
}

JobQueue::Lane& JobQueue::opened_lane(const Job& job, TimePoint now)
{
    if (lane_at(job.lane).jobs.empty()) {
        open_lane(job.lane, now);
    }
    return lane_at(job.lane);
}

std::uint32_t JobQueue::level_of(std::int8_t priority)
{
    std::uint16_t& place = level_at_.at(static_cast<std::size_t>(priority + 128));
    if (place == 0) {
        const auto at = static_cast<std::uint32_t>(levels_.size());
        Level& fresh = levels_.emplace_back();
        fresh.priority = priority;
        fresh.common = order_.plant(at);
        fresh.aside = order_.plant(at);
        place = static_cast<std::uint16_t>(levels_.size());
    }
    return place - 1U;
}

void JobQueue::open_lane(LaneId id, TimePoint now)
{
    Lane& lane = lane_at(id);
    lane.level = level_of(lane.key.priority);
    lane.opened = ++openings_;
    if (levels_[lane.level].lanes++ == 0) {
        level_opened(lane.level, now);
    }
    if (open_lanes_++ == 0) {
        sole_ = id;
        return;
    }
    if (sole_) {
        plant(*sole_, tree_for(lane_at(*sole_)));
        sole_.reset();
    }
    // Beside lanes of the same session it begins where the least of them is, or later.
    lane.spent = std::max(lane.spent, least_beside(lane));
    plant(id, tree_for(lane));
}

Spent JobQueue::least_beside(const Lane& lane) const
{
    std::optional<Spent> least;
    order_.each_branch(*lane.owners.session_account, [&](Tree tree, LaneOrder::Place branch) {
        if (order_.tag(tree) == lane.level) {
            const Spent spent = order_.least_of(branch);
            least = std::min(least.value_or(spent), spent);
        }
    });
    return least.value_or(0);
}

void JobQueue::close_lane(LaneId id)
{
    Level& level = levels_[lane_at(id).level];
    if (--level.lanes == 0) {
        level_closed(lane_at(id).level);
    }
    --open_lanes_;
    if (spell_.lane == id) {
        spell_ = {};
    }
    if (sole_) {
        sole_.reset();
        return;
    }
    const Tree tree = order_.remove(id);
    if (order_.empty(tree) && tree != level.common && tree != level.aside) {
        drop_apart(level, level.apart_at[number(lane_at(id).key.label)] - 1U);
    }
}

// ---- trees --------------------------------------------------------------------------------------

JobQueue::Tree JobQueue::tree_for(const Lane& lane) const
{
    const Level& level = levels_[lane.level];
    const std::size_t label = number(lane.key.label);
    return label < level.apart_at.size() && level.apart_at[label] != 0
               ? level.apart[level.apart_at[label] - 1U].tree
               : level.common;
}

void JobQueue::plant(LaneId id, Tree tree)
{
    Lane& lane = lane_at(id);
    lane.aside = tree == levels_[lane.level].aside;
    order_.add(tree, id, turn_of(lane), lane.owners);
}

void JobQueue::set_apart(LaneId id)
{
    const Lane& lane = lane_at(id);
    Level& level = levels_[lane.level];
    const std::size_t label = number(lane.key.label);
    level.apart_at.resize(std::max(level.apart_at.size(), label + 1));
    if (level.apart_at[label] == 0) {
        level.apart.push_back({.tree = order_.plant(lane.level), .label = lane.key.label});
        level.apart_at[label] = static_cast<std::uint32_t>(level.apart.size());
    }
    order_.remove(id);
    plant(id, tree_for(lane));
}

void JobQueue::set_aside(LaneId id)
{
    order_.remove(id);
    plant(id, levels_[lane_at(id).level].aside);
}

/// It has no lanes left.
void JobQueue::drop_apart(Level& level, std::size_t at)
{
    order_.fell(level.apart[at].tree);
    level.apart_at[number(level.apart[at].label)] = 0;
    if (at + 1 < level.apart.size()) {
        level.apart[at] = level.apart.back();
        level.apart_at[number(level.apart[at].label)] = static_cast<std::uint32_t>(at + 1);
    }
    level.apart.pop_back();
}

void JobQueue::free(const Account* account)
{
    if (account == nullptr) {
        return;
    }
    freed_.clear();
    order_.each_branch(*account, [this](Tree tree, LaneOrder::Place branch) {
        if (tree == levels_[order_.tag(tree)].aside) {
            order_.lanes_of(branch, freed_);
        }
    });
    for (const LaneId id : freed_) {
        order_.remove(id);
        plant(id, tree_for(lane_at(id)));
    }
}

void JobQueue::changed(const Account* account)
{
    if (account != nullptr) {
        order_.account_changed(*account);
    }
}

// ---- levels -------------------------------------------------------------------------------------

void JobQueue::forget_empty_lanes()
{
    std::erase_if(index_, [this](const auto& each) {
        const bool empty = lanes_[number(each.second)].unfinished == 0;
        if (empty) {
            free_lanes_.push_back(each.second);
        }
        return empty;
    });
    room_ = std::max(fewest_lanes, 2 * index_.size());
}

/// All that wait age alike, so their order stays as it is until one is served.
bool JobQueue::goes_before(std::uint32_t a, std::uint32_t b) const
{
    const auto turn = [this](std::uint32_t at) {
        const Level& level = levels_[at];
        const TimePoint since = JOBMILL_BUG(16) ? TimePoint{} : level.served;
        return std::tuple{since - level.priority * ageing_step, -level.priority};
    };
    return turn(a) < turn(b);
}

void JobQueue::level_opened(std::uint32_t at, TimePoint now)
{
    levels_[at].served = now;
    const auto before = [this](std::uint32_t a, std::uint32_t b) { return goes_before(a, b); };
    by_turn_.insert(std::upper_bound(by_turn_.begin(), by_turn_.end(), at, before), at);
}

void JobQueue::level_closed(std::uint32_t at)
{
    by_turn_.erase(std::find(by_turn_.begin(), by_turn_.end(), at));
}

/// Those that were behind it, and have waited for longer now, come before it.
void JobQueue::level_served(std::uint32_t at, TimePoint now)
{
    levels_[at].served = now;
    auto place = std::find(by_turn_.begin(), by_turn_.end(), at);
    for (auto next = place + 1; next != by_turn_.end() && goes_before(*next, at); ++place, ++next) {
        std::swap(*place, *next);
    }
}

Duration JobQueue::serve(JobTable& jobs, JobHandle handle, std::uint32_t weight, TimePoint now)
{
    const LaneId id = jobs[handle].lane;
    Lane& lane = lane_at(id);
    level_served(lane.level, now);
    const Spent cost = weighted(expected_, weight);
    users_.serve(*lane.owners.user_account, JOBMILL_BUG(10) ? Spent{0} : cost);
    lane.owners.user_account->sessions.serve(*lane.owners.session_account, cost);
    lane.spent += cost;
    if (spell_.lane != id || spell_.had >= longest_spell) {
        spell_ = {.lane = id, .had = 0};
    }
    spell_.had += cost;
    remove(jobs, handle);
    if (!sole_ && !lane.jobs.empty()) {
        order_.lane_changed(id, turn_of(lane));
    }
    order_.account_changed(*lane.owners.session_account);
    order_.account_changed(*lane.owners.user_account);
    return Duration{static_cast<Duration::rep>(cost)};
}

void JobQueue::begin(const Job& job, Duration charged)
{
    const LaneOwners& owners = lane_at(job.lane).owners;
    const auto before = static_cast<Spent>(charged.count());
    owners.session_account->begin(before);
    owners.user_account->begin(before);
}

void JobQueue::settle(const Job& job, Duration charged, std::uint32_t weight, Duration took)
{
    const Spent cost = weighted(took, weight);
    correct(job, charged, cost);
    lane_at(job.lane).owners.user_account->sessions.pass(cost);
    users_.pass(cost);
    constexpr int memory = 8;
    expected_ += (std::max(took, Duration{1000}) - expected_) / memory;
}

void JobQueue::refund(const Job& job, Duration charged)
{
    correct(job, charged, 0);
}

void JobQueue::correct(const Job& job, Duration charged, Spent cost)
{
    const LaneOwners& owners = lane_at(job.lane).owners;
    const auto before = static_cast<Spent>(charged.count());
    owners.session_account->correct(before, cost);
    owners.user_account->correct(before, cost);
    order_.account_changed(*owners.session_account);
    order_.account_changed(*owners.user_account);
}

}  // namespace jobmill::core
