// SPDX-License-Identifier: MIT
#include "daemon/spin.hpp"

#include <algorithm>

namespace jobmill::daemon {

bool Spin::goes_on(const Turn& turn, core::TimePoint now, const Setting& setting)
{
    if (!setting) {
        return pays(turn, now);
    }
    if (turn.sent) {
        until_ = now + *setting;
    }
    return now < until_;
}

bool Spin::pays(const Turn& turn, core::TimePoint now)
{
    if (looking_ && turn.events == 0 && now < until_) {
        return true;
    }
    if (looking_) {
        looking_ = false;
        if (turn.events > 0) {
            next_left_out_ /= 2;
        } else {
            next_left_out_ = std::min(2 * next_left_out_ + 1, most_left_out);
            left_out_ = next_left_out_;
        }
    }
    if (turn.events < many_events) {
        return false;
    }
    if (left_out_ > 0) {
        --left_out_;
        return false;
    }
    looking_ = true;
    until_ = now + wake_up;
    return true;
}

}  // namespace jobmill::daemon
