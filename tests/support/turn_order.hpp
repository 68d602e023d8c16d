// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "tests/support/pretend_job.hpp"

namespace jobmill::sim {

/// What jobs have in common that are served in the order in which they came, beside their priority.
struct Likeness {
    SessionId session{};
    UserId user{};
    LabelId label{};
    bool attached = true;

    friend bool operator==(const Likeness&, const Likeness&) = default;
};

[[nodiscard]] inline Likeness likeness(const PretendJob& job)
{
    return {.session = job.session, .user = job.user, .label = job.label, .attached = job.attached};
}

/// The jobs in one pool's queue, and whose turn it can be by what is promised: the priority that
/// counts highest with its age, and first come, first served among a session's like. Plain lists
/// that are looked through, so that there is little to be wrong in.
class TurnOrder {
public:
    /// To the end; jobs that come `together` are in no order.
    void push(PretendJob& job, TimePoint now, bool together = false);
    void put_back(const PretendJob& job, TimePoint now);
    void remove(const PretendJob& job);
    /// A worker gets it; before it is removed.
    void serve(const PretendJob& job, TimePoint now);

    [[nodiscard]] std::size_t size() const { return size_; }

    /// Whether another job may run that is like some job there.
    template <typename MayRun>
    [[nodiscard]] bool any(MayRun may_run) const
    {
        for (const Level& level : levels_) {
            if (has_turn(level, may_run)) {
                return true;
            }
        }
        return false;
    }

    /// Why it is not that job's turn; null when it may be.
    template <typename MayRun>
    [[nodiscard]] const char* objection(const PretendJob& job, TimePoint now, MayRun may_run) const
    {
        const Level* own = level_of(job.terms.priority);
        const Lane* lane = own == nullptr ? nullptr : lane_of(*own, job);
        if (lane == nullptr || !may_run(likeness(job))) {
            return "a job was offered that is not queued, or may not run";
        }
        if (lane->turns.front() < job.arrival) {
            return "a job was offered before an earlier one of its like";
        }
        for (const Level& level : levels_) {
            if (has_turn(level, may_run) && aged(level, now) > aged(*own, now)) {
                return "a job was offered before a more urgent one";
            }
        }
        return nullptr;
    }

private:
    struct Lane {
        Likeness likeness;
        std::vector<std::uint64_t> turns;  ///< ascending
    };
    struct Level {
        std::int8_t priority = 0;
        TimePoint served{};
        std::vector<Lane> lanes;
    };

    [[nodiscard]] static Duration aged(const Level& level, TimePoint now)
    {
        return level.priority * std::chrono::seconds{1} + (now - level.served);
    }
    template <typename MayRun>
    [[nodiscard]] static bool has_turn(const Level& level, MayRun may_run)
    {
        for (const Lane& lane : level.lanes) {
            if (may_run(lane.likeness)) {
                return true;
            }
        }
        return false;
    }
    [[nodiscard]] const Level* level_of(std::int8_t priority) const;
    [[nodiscard]] static const Lane* lane_of(const Level& level, const PretendJob& job);
    void insert(const PretendJob& job, TimePoint now);

    std::vector<Level> levels_;
    std::uint64_t arrivals_ = 0;
    std::size_t size_ = 0;
};

}  // namespace jobmill::sim
