// SPDX-License-Identifier: MIT
// The rule of whose turn it is, written as plainly as it can be said: each job and each lane is
// looked at each time. To compare a JobQueue with.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "daemon/core/job_queue.hpp"

namespace jobmill::core {

class PlainQueue {
public:
    using LaneKey = JobQueue::LaneKey;

    void enter(const LaneKey& lane)
    {
        users_.enter(number(lane.user));
        sessions_[lane.user].enter(number(lane.session));
    }
    void leave(const LaneKey& lane)
    {
        users_.leave(number(lane.user));
        sessions_[lane.user].leave(number(lane.session));
    }
    /// A new one, or one that was here before and has its arrival.
    void add(std::uint64_t job, std::uint64_t arrival, const LaneKey& key, TimePoint now)
    {
        Lane& lane = lane_of(key);
        if (lane.jobs.empty()) {
            open(lane, now);
        }
        lane.jobs[arrival] = job;
    }
    void remove(std::uint64_t arrival, const LaneKey& key) { lane_of(key).jobs.erase(arrival); }

    template <typename HindranceOf>
    [[nodiscard]] std::optional<std::uint64_t> first(TimePoint now, HindranceOf hindrance_of) const
    {
        const auto standing = [&](const Lane& lane) {
            const Duration age = now - levels_.at(lane.key.priority);
            return std::tuple{-(lane.key.priority * Duration{std::chrono::seconds{1}} + age),
                              -lane.key.priority,
                              users_.spent(number(lane.key.user)),
                              lane.key.user,
                              sessions_.at(lane.key.user).spent(number(lane.key.session)),
                              lane.key.session,
                              lane.spent,
                              lane.opened};
        };
        const Lane* best = nullptr;
        for (const Lane& lane : lanes_) {
            if (!lane.jobs.empty() && hindrance_of(lane.key) == Hindrance::none &&
                (best == nullptr || standing(lane) < standing(*best))) {
                best = &lane;
            }
        }
        if (best == nullptr) {
            return {};
        }
        for (const Lane& lane : lanes_) {
            if (going_on_ == lane.opened && had_ < longest_spell && !lane.jobs.empty() &&
                lane.key.priority == best->key.priority &&
                hindrance_of(lane.key) == Hindrance::none) {
                best = &lane;
            }
        }
        return best->jobs.begin()->second;
    }
    void serve(std::uint64_t arrival, const LaneKey& key, Duration charged, TimePoint now)
    {
        const auto cost = static_cast<Spent>(charged.count());
        levels_[key.priority] = now;
        users_.serve(number(key.user), cost);
        sessions_[key.user].serve(number(key.session), cost);
        Lane& lane = lane_of(key);
        lane.spent += cost;
        if (going_on_ != lane.opened || had_ >= longest_spell) {
            going_on_ = lane.opened;
            had_ = 0;
        }
        had_ += cost;
        remove(arrival, key);
    }
    void begin(const LaneKey& key, Duration charged)
    {
        const auto before = static_cast<Spent>(charged.count());
        users_.begin(number(key.user), before);
        sessions_[key.user].begin(number(key.session), before);
    }
    void correct(const LaneKey& key, Duration charged, Spent cost)
    {
        const auto before = static_cast<Spent>(charged.count());
        users_.correct(number(key.user), before, cost);
        sessions_[key.user].correct(number(key.session), before, cost);
    }
    void come_back(UserId user) { users_.come_back(number(user)); }
    void come_back(UserId user, SessionId session) { sessions_[user].come_back(number(session)); }

private:
    /// Start-time fair queueing; nobody is ever forgotten.
    class Accounts {
    public:
        void enter(std::uint64_t who)
        {
            if (jobs_[who]++ == 0) {
                come_back(who);
            }
        }
        void leave(std::uint64_t who) { --jobs_[who]; }
        void come_back(std::uint64_t who) { spent_[who] = std::max(spent_[who], clock_); }
        void serve(std::uint64_t who, Spent cost)
        {
            clock_ = std::max(clock_, spent_[who] - std::min(spent_[who], ahead_[who]));
            spent_[who] += cost;
            ahead_[who] += cost;
        }
        void begin(std::uint64_t who, Spent before)
        {
            ahead_[who] -= std::min(ahead_[who], before);
        }
        void correct(std::uint64_t who, Spent before, Spent cost)
        {
            spent_[who] = spent_[who] - std::min(spent_[who], before) + cost;
            const auto there = static_cast<Spent>(std::count_if(
                jobs_.begin(), jobs_.end(), [](const auto& each) { return each.second > 0; }));
            clock_ += (std::max<Spent>(1, cost) - 1) / std::max<Spent>(1, there);
        }
        [[nodiscard]] Spent spent(std::uint64_t who) const { return spent_.at(who); }

    private:
        std::map<std::uint64_t, Spent> spent_;
        std::map<std::uint64_t, Spent> ahead_;  ///< of that
        std::map<std::uint64_t, std::uint64_t> jobs_;
        Spent clock_ = 0;
    };
    static constexpr Spent longest_spell = 250'000;

    struct Lane {
        LaneKey key;
        std::map<std::uint64_t, std::uint64_t> jobs;  ///< by arrival
        Spent spent = 0;
        std::uint64_t opened = 0;
    };

    Lane& lane_of(const LaneKey& key)
    {
        const auto found = std::find_if(lanes_.begin(), lanes_.end(),
                                        [&](const Lane& lane) { return lane.key == key; });
        return found != lanes_.end() ? *found : lanes_.emplace_back(Lane{.key = key, .jobs = {}});
    }
    void open(Lane& lane, TimePoint now)
    {
        std::optional<Spent> least;
        bool alone = true;
        for (const Lane& other : lanes_) {
            if (!other.jobs.empty() && other.key.priority == lane.key.priority) {
                alone = false;
                if (other.key.session == lane.key.session) {
                    least = std::min(least.value_or(other.spent), other.spent);
                }
            }
        }
        lane.spent = std::max(lane.spent, least.value_or(0));
        lane.opened = ++openings_;
        if (alone) {
            levels_[lane.key.priority] = now;
        }
    }

    std::vector<Lane> lanes_;
    std::map<std::int8_t, TimePoint> levels_;  ///< when each was served last
    Accounts users_;
    std::map<UserId, Accounts> sessions_;
    std::uint64_t openings_ = 0;
    std::uint64_t going_on_ = 0;  ///< the lane that was opened as that one
    Spent had_ = 0;
};

}  // namespace jobmill::core
