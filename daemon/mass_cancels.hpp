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
/// that are meant takes its time, too: of looks at many jobs there is one a turn.
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
    /// In a turn of its own, before what is begun later.
    void put_off(std::function<void()> look) { looks_.push_back(std::move(look)); }
    /// The next turn's: a look that was put off, and some of the order whose turn it is.
    void go_on();
    [[nodiscard]] bool empty() const noexcept { return orders_.empty() && looks_.empty(); }

    static constexpr std::size_t jobs_a_turn = 256;
    /// Who looks at no more need not be put off.
    static constexpr std::size_t jobs_a_look = 1024;

private:
    void cancel_some(Order& order) const;
    void go_on_cancelling();

    Outside outside_;
    std::deque<std::function<void()>> looks_;
    std::deque<Order> orders_;
    std::unordered_map<unsigned, std::size_t> held_;  ///< users who have orders, and how many
};

}  // namespace jobmill::daemon
