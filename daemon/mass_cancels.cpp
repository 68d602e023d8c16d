// SPDX-License-Identifier: MIT
#include "daemon/mass_cancels.hpp"

#include <algorithm>

namespace jobmill::daemon {

void MassCancels::begin(Order order)
{
    if (order.jobs.size() <= jobs_a_turn) {
        // From the youngest on: what is taken from the queue is never given to a freed worker.
        cancel_some(order);
        order.after();
        return;
    }
    // From the oldest on: those that run may be in somebody's way.
    std::reverse(order.jobs.begin(), order.jobs.end());
    if (++held_[order.uid] == 1) {
        outside_.post(core::UserHeld{.user = core::UserId{order.uid}, .held = true});
    }
    orders_.push_front(std::move(order));
    go_on_cancelling();
}

void MassCancels::go_on()
{
    go_on_cancelling();
    if (!looks_.empty()) {
        const auto look = std::move(looks_.front());
        looks_.pop_front();
        look();
    }
}

void MassCancels::go_on_cancelling()
{
    if (orders_.empty()) {
        return;
    }
    Order order = std::move(orders_.front());
    orders_.pop_front();
    cancel_some(order);
    if (!order.jobs.empty()) {
        orders_.push_back(std::move(order));
        return;
    }
    order.after();
    if (--held_.at(order.uid) == 0) {
        held_.erase(order.uid);
        outside_.post(core::UserHeld{.user = core::UserId{order.uid}, .held = false});
    }
}

void MassCancels::cancel_some(Order& order) const
{
    for (std::size_t left = jobs_a_turn; left > 0 && !order.jobs.empty();) {
        const JobId job = order.jobs.back();
        order.jobs.pop_back();
        if (outside_.knows(job)) {
            --left;
            order.before(job);
            outside_.post(
                core::CancelRequested{.job = job, .unless_running = order.unless_running});
        }
    }
}

}  // namespace jobmill::daemon
