// SPDX-License-Identifier: MIT
#include "daemon/output_room.hpp"

#include <algorithm>

#include "common/assert.hpp"

namespace jobmill::daemon {
namespace {

std::uint64_t left(std::uint64_t limit, std::uint64_t taken)
{
    return limit - std::min(limit, taken);
}

}  // namespace

OutputRoom::Share::Share(OutputRoom& room, unsigned uid, std::function<void()> on_turn)
    : room_(room), uid_(uid), on_turn_(std::move(on_turn))
{
    room_.users_[uid_].shares.push_back(this);
}

OutputRoom::Share::~Share()
{
    account(0);
    User& user = room_.users_.at(uid_);
    std::erase(user.shares, this);
    if (user.shares.empty()) {
        room_.users_.erase(uid_);
    }
}

void OutputRoom::Share::account(std::uint64_t bytes)
{
    User& user = room_.users_.at(uid_);
    JOBMILL_ASSERT(user.taken >= taken_ && room_.all_ >= user.taken);
    room_.all_ = room_.all_ - taken_ + bytes;
    user.taken = user.taken - taken_ + bytes;
    user.hoarders -= taken_ > least ? 1 : 0;
    user.hoarders += bytes > least ? 1 : 0;
    taken_ = bytes;
}

void OutputRoom::Share::take(std::uint64_t bytes)
{
    if (bytes != taken_ && !ended_) {
        account(bytes);
        judge_user();
    }
}

void OutputRoom::Share::end()
{
    take(0);
    ended_ = true;
}

/// Each session may have as much as is left: however many there are, and however much each wants,
/// something is left, those with most before them wait, and those with least go on.
std::uint64_t OutputRoom::Share::window() const
{
    return std::max(least, std::min(left(room_.limits_.user, room_.users_.at(uid_).taken),
                                    left(room_.limits_.all, room_.all_)));
}

bool OutputRoom::Share::has_room(std::uint64_t bytes) const
{
    const auto fits = [&](std::uint64_t limit, std::uint64_t taken) {
        return taken == taken_ || bytes <= left(limit, taken - taken_);
    };
    const std::uint64_t of_user = room_.users_.at(uid_).taken;
    return fits(room_.limits_.user, of_user) &&
           (of_user <= least || fits(room_.limits_.all, room_.all_));
}

void OutputRoom::Share::judge_user()
{
    User& user = room_.users_.at(uid_);
    // Not at the very limit, or it would open and close with each result.
    const std::uint64_t limit = room_.limits_.user;
    const bool full = user.taken > (user.closed ? limit / 4 * 3 : limit);
    const bool far_beyond = user.hoarders > 1 && user.taken / most_beyond > limit;
    const bool closed = full && (user.closed || far_beyond || user.hoarders > most_hoarders);
    if (closed == user.closed) {
        return;
    }
    user.closed = closed;
    const std::vector<Share*> shares = user.shares;
    for (Share* share : shares) {
        if (share != this) {
            share->on_turn_();
        }
    }
}

}  // namespace jobmill::daemon
