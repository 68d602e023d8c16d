// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <unordered_map>
#include <vector>

#include "daemon/core/event.hpp"

namespace jobmill::daemon {

/// Cancels of many jobs, so many a turn: half a million at once would keep everybody else waiting
/// for a second and more. Until a user's are through none of his jobs begins. To look for those
/// that are meant takes its time, too: beyond so many jobs a turn it is put off, of looks that were
/// there is one a turn, and none at the jobs of who has an order under way. So no more than one
/// list of a user's jobs is kept.
class MassCancels {
public:
    struct Outside {
        std::function<void(const core::Event&)> post;
        /// Whether the job has not ended yet.
        std::function<bool(JobId)> knows;
    };

    struct Order {
        unsigned uid = 0;                   ///< whose jobs they are
        std::vector<JobId> jobs;            ///< the oldest first
        bool unless_running = false;        ///< those that run are let be
        std::function<void(JobId)> before;  ///< called before each is cancelled
        std::function<void()> after;        ///< called when all were
    };

    explicit MassCancels(Outside outside) : outside_(std::move(outside)) {}

    /// Begins at once; what is no more than can be in a turn is through at the return.
    void begin(Order order);
    /// Whether so many jobs of that user may be looked at now; they are part of the turn's then.
    [[nodiscard]] bool may_look(unsigned uid, std::size_t jobs);
    /// In a turn of its own, before what is put off later: at so many jobs of that user.
    void put_off(unsigned uid, std::size_t jobs, std::function<void()> look);
    /// The next turn's: a look that was put off, and some of the order whose turn it is.
    void go_on();
    [[nodiscard]] bool empty() const noexcept { return orders_.empty() && looks_.empty(); }

    static constexpr std::size_t jobs_a_turn = 256;
    /// That may be looked at in a turn beside the look that was put off.
    static constexpr std::size_t jobs_a_look = 1024;

private:
    struct Look {
        unsigned uid = 0;
        std::size_t jobs = 0;
        bool suspends = false;  ///< its user is suspended until it is over
        std::function<void()> look;
    };

    void suspend(unsigned uid);
    void let_go(unsigned uid);
    void cancel_some(Order& order) const;
    void go_on_cancelling();
    void go_on_looking();
    [[nodiscard]] bool has_order(unsigned uid) const;

    Outside outside_;
    std::size_t looked_at_ = 0;  ///< jobs, in this turn
    std::deque<Look> looks_;
    std::deque<Order> orders_;
    std::unordered_map<unsigned, std::size_t>
        suspended_;  ///< users, and by how many orders and looks
};

}  // namespace jobmill::daemon
