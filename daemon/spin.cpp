// SPDX-License-Identifier: MIT
#include "daemon/spin.hpp"

#include <algorithm>
#include <utility>

namespace jobmill::daemon {

bool Spin::goes_on(const Turn& turn, core::TimePoint now, const Setting& setting)
{
    if (!setting) {
        return looks(turn, now);
    }
    if (turn.sent) {
        until_ = now + *setting;
    }
    return now < until_;
}

bool Spin::looks(const Turn& turn, core::TimePoint now)
{
    if (looking_ != nullptr && turn.events == 0 && now < until_) {
        return true;
    }
    if (Habit* const habit = std::exchange(looking_, nullptr)) {
        if (turn.events > 0) {
            habit->next_left_out /= 2;
        } else {
            habit->next_left_out = std::min(2 * habit->next_left_out + 1, most_left_out);
            habit->left_out = habit->next_left_out;
            habit->rests_until = now + habit->longest_rest;
        }
    }
    Habit* const habit = reason(turn);
    if (habit == nullptr) {
        return false;
    }
    if (habit->left_out > 0 && now < habit->rests_until) {
        --habit->left_out;
        return false;
    }
    looking_ = habit;
    until_ = now + habit->length;
    return true;
}

/// Why it would look after that turn; null when it has none.
Spin::Habit* Spin::reason(const Turn& turn)
{
    if (turn.events >= many_events) {
        return &much_to_do_;
    }
    if (turn.events == 0 || !turn.core_to_spare()) {
        return nullptr;
    }
    if (turn.busy_workers == 0) {
        return &for_clients_;
    }
    // Who looks keeps a worker on the same CPU from the job that is looked for.
    return turn.worker_beside ? nullptr : &for_workers_;
}

}  // namespace jobmill::daemon
