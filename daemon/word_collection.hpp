// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>

#include "daemon/core/terms.hpp"
#include "daemon/spin.hpp"

namespace jobmill::daemon {

/// When the loop takes from all outboxes what workers hold back for the next tick of their clock.
/// The first of them to come to the tick wakes it, on the core of another that has a job to end
/// before it can send its own results, and that would wake it again.
class WordCollection {
public:
    /// At the end of each turn, which may have come after a sleep.
    [[nodiscard]] bool is_due(const Spin::Turn& turn, core::TimePoint now)
    {
        const bool slept = now - last_turn_ >= long_sleep;
        last_turn_ = now;
        const bool many = turn.events >= std::max(turn.busy_workers, many_events);
        const bool some = turn.ended > 0 && turn.ended * asked_of_one >= turn.busy_workers;
        return slept && turn.busy_workers >= turn.cores && (many || some);
    }

    /// Half of the time between two ticks.
    static constexpr core::Duration long_sleep = std::chrono::microseconds{250};
    /// To ask so many workers costs little beside a result.
    static constexpr std::uint32_t asked_of_one = 4;
    /// Nor beside so many events of any kind. Few submits take no results from those who gather
    /// them.
    static constexpr std::uint32_t many_events = 16;

private:
    core::TimePoint last_turn_;
};

}  // namespace jobmill::daemon
