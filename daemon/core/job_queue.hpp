// SPDX-License-Identifier: MIT
// The order in which the jobs of one pool get their workers.
//
// Priorities first. A level of priority that was not served for a second counts as one higher, for
// two seconds as two higher, and so on: what is less urgent waits, and does not starve.
//
// Within a level users share the pool's CPU time fairly, and so do the sessions of each user: next
// is the user who has had least, and of his sessions the one that has had least. What a job costs
// is known when it is over; until then it counts as what the pool's jobs cost lately. Jobs of a
// label with a weight count by that: twice the weight is half the cost.
//
// Jobs of the same user, session, priority and label are a lane, and first come is first served
// there; detached ones have a lane of their own, since their session cannot stop them. A job that
// is taken back from a worker gets its old turn again.
#pragma once

#include <vector>

#include "daemon/core/fair_shares.hpp"
#include "daemon/core/job_list.hpp"

namespace jobmill::core {

class JobQueue {
public:
    /// What the jobs of a lane have in common.
    struct LaneKey {
        SessionId session{};
        UserId user{};
        LabelId label{};
        std::int8_t priority = 0;
        bool attached = true;
        friend bool operator==(const LaneKey&, const LaneKey&) = default;
    };

    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::size_t size() const { return size_; }

    /// A job of this queue's pool is there, or is over; in between it may be in the queue or not.
    void enter(const Job& job);
    void leave(const Job& job);

    /// To the end of its lane.
    void push(JobTable& jobs, JobHandle handle, std::int8_t priority, TimePoint now);
    /// A job that was in this queue before, to its old turn. Cheap for one that was among the
    /// first.
    void put_back(JobTable& jobs, JobHandle handle, std::int8_t priority, TimePoint now);
    void remove(JobTable& jobs, JobHandle handle);

    /// What one of its jobs costs, by the last ones.
    [[nodiscard]] Duration expected() const { return expected_; }
    /// Whose turn it is of those in lanes of which another job may run; no_job when there is none.
    template <typename MayRun>
    [[nodiscard]] JobHandle first(TimePoint now, MayRun may_run) const
    {
        sort_levels(now);
        for (const std::uint32_t at : order_) {
            const JobHandle next = first_of(levels_[at], may_run);
            if (next != no_job) {
                return next;
            }
        }
        return no_job;
    }
    /// Any job that waits here; no_job when the queue is empty.
    [[nodiscard]] JobHandle any() const;
    /// It goes to a worker: leaves the queue, and is charged for, so much.
    [[nodiscard]] Duration serve(JobTable& jobs, JobHandle handle, std::uint32_t weight,
                                 TimePoint now);
    /// It was charged so much, and has taken so much CPU time.
    void settle(const Job& job, Duration charged, std::uint32_t weight, Duration cpu);
    /// It was charged so much, and has not begun after all.
    void refund(const Job& job, Duration charged);
    /// That session of that user was left out for a while: what it did not get is not made up for.
    void come_back(UserId user) { users_.come_back(user); }
    void come_back(SessionId session) { sessions_.come_back(session); }

private:
    struct LaneHash {
        std::size_t operator()(const LaneKey& key) const noexcept;
    };
    struct Lane {
        LaneKey key;
        JobList<&Job::place> jobs;
        Spent spent = 0;
        // While it has jobs: looked up once, since every lane is compared for every offer.
        const Rivals<UserId>::Entry* user = nullptr;
        const Rivals<SessionId>::Entry* session = nullptr;
    };
    /// The lanes of one priority that have jobs.
    struct Level {
        std::int8_t priority = 0;
        TimePoint served{};  ///< when a job of it was served last, or it got its first one
        std::vector<LaneId> lanes;
    };

    [[nodiscard]] static LaneKey key_of(const Job& job, std::int8_t priority)
    {
        return {.session = job.session,
                .user = job.user,
                .label = job.label,
                .priority = priority,
                .attached = job.attached};
    }
    static constexpr std::size_t fewest_lanes = 256;

    LaneId lane_for(Job& job, std::int8_t priority, TimePoint now);
    [[nodiscard]] Level& level_of(std::int8_t priority);
    void open_lane(LaneId id, TimePoint now);
    void close_lane(LaneId id);
    void forget_empty_lanes();
    void sort_levels(TimePoint now) const;
    /// Whether it is that lane's turn rather than the other's.
    [[nodiscard]] static bool precedes(const Lane& lane, const Lane& other);

    template <typename MayRun>
    [[nodiscard]] JobHandle first_of(const Level& level, MayRun may_run) const
    {
        const Lane* best = nullptr;
        for (const LaneId id : level.lanes) {
            const Lane& lane = lanes_[number(id)];
            if ((best == nullptr || precedes(lane, *best)) && may_run(lane.key)) {
                best = &lane;
            }
        }
        return best == nullptr ? no_job : best->jobs.first();
    }

    std::vector<Lane> lanes_;
    std::vector<LaneId> free_lanes_;
    /// Of lanes that have jobs, and of those that had some lately: they are likely to have again.
    std::unordered_map<LaneKey, LaneId, LaneHash> index_;
    std::size_t room_ = fewest_lanes;
    std::vector<Level> levels_;                 ///< one for each priority that there was
    mutable std::vector<std::uint32_t> order_;  ///< reused by first()
    Rivals<UserId> users_;
    Rivals<SessionId> sessions_;
    Duration expected_ = std::chrono::milliseconds{1};  ///< what a job costs, by the last ones
    std::size_t size_ = 0;
    std::uint64_t arrivals_ = 0;
};

}  // namespace jobmill::core
