// SPDX-License-Identifier: MIT
// The order in which the jobs of one pool get their workers.
//
// Priorities first. A level of priority that was not served for a second counts as one higher, for
// two seconds as two higher, and so on: what is less urgent waits, and does not starve.
//
// Within a level users share the time of the pool's workers fairly, and so do the sessions of each
// user: next is the user who has had least, and of his sessions the one that has had least. What a
// job costs is known when it is over; until then it counts as what the pool's jobs cost lately.
// Jobs of a label with a weight count by that: twice the weight is half the cost.
//
// Jobs of the same user, session, priority and label are a lane, and first come is first served
// there; detached ones have a lane of their own, since their session cannot stop them. A job that
// is taken back from a worker gets its old turn again.
//
// Whose turn it is goes on for a spell: with small jobs, a new one for each would scatter what a
// worker's next hundred are over all clients, and each would be woken for a few results at a time.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "daemon/core/fair_shares.hpp"
#include "daemon/core/job_list.hpp"
#include "daemon/core/lane_order.hpp"

namespace jobmill::core {

/// Why the jobs of a lane have to wait though there is a worker.
enum class Hindrance : std::uint8_t {
    none,
    label,  ///< as for all lanes of that label; nobody says when that is over
    owner,  ///< its user or session is held back, until free() says otherwise
};

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
    /// That have jobs in the queue.
    [[nodiscard]] std::size_t lanes() const { return open_lanes_; }

    /// How many of them have each label, by its number, as far as there were any; of those without
    /// one it says nothing.
    [[nodiscard]] const std::vector<std::uint32_t>& by_label() const { return by_label_; }

    /// A job of this queue's pool is there, or is over; in between it may be in the queue or not,
    /// and belongs to the lane that it has with others of its key.
    void enter(Job& job, const LaneKey& key);
    void leave(const Job& job) { leave(job.lane); }
    /// It belongs to another lane from now on. Not while it is in the queue.
    void rekey(Job& job, const LaneKey& key);
    [[nodiscard]] const LaneKey& key_of(const Job& job) const
    {
        return lanes_[number(job.lane)].key;
    }

    /// For each lane that has unfinished jobs, in the queue or not.
    template <typename Do>
    void each_lane(Do act) const
    {
        for (const Lane& lane : lanes_) {
            if (lane.unfinished > 0) {
                act(lane.key);
            }
        }
    }

    /// To the end of its lane.
    void push(JobTable& jobs, JobHandle handle, TimePoint now);
    /// A job that was in this queue before, to its old turn. Cheap for one that was among the
    /// first.
    void put_back(JobTable& jobs, JobHandle handle, TimePoint now);
    void remove(JobTable& jobs, JobHandle handle);

    /// What one of its jobs costs, by the last ones.
    [[nodiscard]] Duration expected() const { return expected_; }
    /// Whose turn it is of those in lanes that nothing hinders; no_job when there is none.
    template <typename HindranceOf>
    [[nodiscard]] JobHandle first(HindranceOf hindrance_of)
    {
        if (sole_) {
            const Lane& lane = lane_at(*sole_);
            return hindrance_of(lane.key) == Hindrance::none ? lane.jobs.first() : no_job;
        }
        for (const std::uint32_t at : by_turn_) {
            const JobHandle next = first_of(levels_[at], hindrance_of);
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
    /// Of a job that was served, and charged so much, the turn has come: nobody takes it back for
    /// others' sake. Before the next two.
    void begin(const Job& job, Duration charged);
    /// It was charged so much, and has taken a worker so long.
    void settle(const Job& job, Duration charged, std::uint32_t weight, Duration took);
    /// It was charged so much, and has not begun after all.
    void refund(const Job& job, Duration charged);
    /// That session of that user was left out for a while: what it did not get is not made up for.
    void come_back(UserId user) { changed(users_.come_back(user)); }
    void come_back(UserId user, SessionId session)
    {
        if (UserAccount* account = users_.find(user)) {
            changed(account->sessions.come_back(session));
        }
    }
    /// That user or session is held back no longer.
    void free(UserId user) { free(users_.find(user)); }
    void free(UserId user, SessionId session)
    {
        if (UserAccount* account = users_.find(user)) {
            free(account->sessions.find(session));
        }
    }

private:
    struct LaneHash {
        std::size_t operator()(const LaneKey& key) const noexcept;
    };
    struct Lane {
        LaneKey key;
        JobList<place_links> jobs;     ///< in the queue
        JobHandle came_back = no_job;  ///< the last of these that did, or one behind it
        Spent spent = 0;
        std::uint64_t unfinished = 0;  ///< jobs, in the queue or not
        LaneOwners owners{};           ///< while it has any
        // While some are in the queue:
        std::uint64_t opened = 0;  ///< lanes that have had the same come in that order
        std::uint32_t level = 0;
        bool aside = false;  ///< in its level's tree of those
    };
    using Tree = LaneOrder::Place;
    static constexpr Tree no_tree = LaneOrder::nowhere;
    /// The lanes of one priority that have jobs. Each is in one of its trees; which it is decides
    /// about nothing but what it costs to pass over lanes that have to wait.
    struct Level {
        /// The lanes of a label that had to wait for others of it when it was their turn.
        struct Apart {
            Tree tree = no_tree;
            LabelId label{};
        };
        std::int8_t priority = 0;
        TimePoint served{};  ///< when a job of it was served last, or it got its first one
        std::size_t lanes = 0;
        Tree common = no_tree;
        Tree aside = no_tree;  ///< lanes of owners who are held back: not looked at
        std::vector<Apart> apart;
        std::vector<std::uint32_t> apart_at;  ///< by label: the place above, plus one
    };

    static constexpr std::size_t fewest_lanes = 256;
    /// A lane goes on until it has been charged so much, as long as its level is served.
    static constexpr Spent longest_spell = 250'000;
    struct Spell {
        LaneId lane{};
        Spent had = longest_spell;
    };

    void count(const Lane& lane, bool more);
    LaneId lane_for(const LaneKey& key);
    void leave(LaneId id);
    /// The job's lane, which is to have it in the queue.
    Lane& opened_lane(const Job& job, TimePoint now);
    [[nodiscard]] std::uint32_t level_of(std::int8_t priority);
    void open_lane(LaneId id, TimePoint now);
    void close_lane(LaneId id);
    void forget_empty_lanes();
    [[nodiscard]] bool goes_before(std::uint32_t a, std::uint32_t b) const;
    void level_opened(std::uint32_t at, TimePoint now);
    void level_closed(std::uint32_t at);
    void level_served(std::uint32_t at, TimePoint now);

    [[nodiscard]] static TurnKey turn_of(const Lane& lane)
    {
        return {.spent = lane.spent, .who = lane.opened};
    }
    [[nodiscard]] Lane& lane_at(LaneId id) { return lanes_[number(id)]; }
    [[nodiscard]] Spent least_beside(const Lane& lane) const;
    [[nodiscard]] Tree tree_for(const Lane& lane) const;
    void plant(LaneId id, Tree tree);
    void set_apart(LaneId id);
    void set_aside(LaneId id);
    void drop_apart(Level& level, std::size_t at);
    void free(const Account* account);
    void changed(const Account* account);
    void correct(const Job& job, Duration charged, Spent cost);

    /// Whether the first lane of that tree may run. Those whose owners are held back are set aside
    /// on the way, those that wait for their label are set apart from what others are in: so they
    /// are passed over once, and not for each job.
    template <typename HindranceOf>
    bool find_usable(Tree tree, bool common, HindranceOf hindrance_of)
    {
        while (!order_.empty(tree)) {
            const LaneId id = order_.first(tree);
            const Hindrance hindrance = hindrance_of(lane_at(id).key);
            if (hindrance == Hindrance::none) {
                return true;
            }
            if (hindrance == Hindrance::owner) {
                set_aside(id);
            } else if (common) {
                set_apart(id);
            } else {
                return false;  // as all of this tree
            }
        }
        return false;
    }

    template <typename HindranceOf>
    [[nodiscard]] JobHandle first_of(Level& level, HindranceOf hindrance_of)
    {
        if (spell_.had < longest_spell) {
            const Lane& lane = lane_at(spell_.lane);
            if (&levels_[lane.level] == &level && hindrance_of(lane.key) == Hindrance::none) {
                return lane.jobs.first();
            }
        }
        Tree best = find_usable(level.common, true, hindrance_of) ? level.common : no_tree;
        for (std::size_t at = level.apart.size(); at-- > 0;) {
            const Tree tree = level.apart[at].tree;
            if (find_usable(tree, false, hindrance_of) &&
                (best == no_tree || order_.first_standing(tree) < order_.first_standing(best))) {
                best = tree;
            }
            if (order_.empty(tree)) {
                drop_apart(level, at);
            }
        }
        return best == no_tree ? no_job : lane_at(order_.first(best)).jobs.first();
    }

    std::vector<Lane> lanes_;
    std::vector<LaneId> free_lanes_;
    /// Of lanes that have unfinished jobs, and of those that had some lately: they are likely to
    /// have again.
    std::unordered_map<LaneKey, LaneId, LaneHash> index_;
    std::size_t room_ = fewest_lanes;
    std::vector<Level> levels_;                  ///< one for each priority that there was
    std::array<std::uint16_t, 256> level_at_{};  ///< by priority: its place, plus one
    std::vector<std::uint32_t> by_turn_;         ///< levels that have jobs
    LaneOrder order_;
    /// The one lane that is open, if it was opened alone: it is in no tree until there are others.
    std::optional<LaneId> sole_;
    std::size_t open_lanes_ = 0;
    Spell spell_;                ///< of a lane that has jobs in the queue, or over
    std::vector<LaneId> freed_;  ///< reused by free()
    std::uint64_t openings_ = 0;
    Rivals<UserId, UserAccount> users_;
    Duration expected_ = std::chrono::milliseconds{1};  ///< what a job costs, by the last ones
    std::size_t size_ = 0;
    std::vector<std::uint32_t> by_label_;
    std::uint64_t arrivals_ = 0;
};

}  // namespace jobmill::core
