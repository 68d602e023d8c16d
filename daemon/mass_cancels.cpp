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
    suspend(order.uid);
    orders_.push_front(std::move(order));
    go_on_cancelling();
}

bool MassCancels::may_look(unsigned uid, std::size_t jobs)
{
    if (suspended_.contains(uid) || looked_at_ + jobs > jobs_a_look) {
        return false;
    }
    looked_at_ += jobs;
    return true;
}

void MassCancels::put_off(unsigned uid, std::size_t jobs, std::function<void()> look)
{
    // What it will find must not begin between the order before it and its own.
    const bool suspends = suspended_.contains(uid);
    if (suspends) {
        suspend(uid);
    }
    looks_.push_back({.uid = uid, .jobs = jobs, .suspends = suspends, .look = std::move(look)});
}

void MassCancels::suspend(unsigned uid)
{
    if (++suspended_[uid] == 1) {
        outside_.post(core::UserSuspended{.user = core::UserId{uid}, .suspended = true});
    }
}

void MassCancels::let_go(unsigned uid)
{
    if (--suspended_.at(uid) == 0) {
        suspended_.erase(uid);
        outside_.post(core::UserSuspended{.user = core::UserId{uid}, .suspended = false});
    }
}

void MassCancels::go_on()
{
    looked_at_ = 0;
    go_on_cancelling();
    go_on_looking();
}

bool MassCancels::has_order(unsigned uid) const
{
    return std::any_of(orders_.begin(), orders_.end(),
                       [&](const Order& order) { return order.uid == uid; });
}

void MassCancels::go_on_looking()
{
    const auto next = std::find_if(looks_.begin(), looks_.end(),
                                   [&](const Look& each) { return !has_order(each.uid); });
    if (next == looks_.end()) {
        return;
    }
    const Look look = std::move(*next);
    looks_.erase(next);
    looked_at_ = look.jobs;
    look.look();
    if (look.suspends) {
        let_go(look.uid);
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
    let_go(order.uid);
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
