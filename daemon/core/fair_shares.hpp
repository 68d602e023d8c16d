// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <unordered_map>

#include "common/assert.hpp"
#include "daemon/core/job.hpp"

namespace jobmill::core {

/// What somebody has had, in weighted nanoseconds of workers' time.
using Spent = std::uint64_t;

/// What so much time counts for: twice the weight is half of it, and nothing is for nothing.
[[nodiscard]] inline Spent weighted(Duration time, std::uint32_t weight)
{
    const auto nanoseconds = static_cast<std::uint64_t>(std::max<Duration::rep>(1, time.count()));
    return std::max<Spent>(1, nanoseconds * usual_weight / std::max(1U, weight));
}

/// What one of a number of rivals has had, and how many lanes of his have unfinished jobs.
struct Account {
    /// In a LaneOrder, which keeps the list of its branches here.
    using Place = std::uint32_t;
    static constexpr Place nowhere = UINT32_MAX;

    Spent spent = 0;
    Spent ahead = 0;  ///< of that: charged for what workers hold ahead, and may be taken back
    std::uint64_t lanes = 0;
    Place branches = nowhere;

    /// Of what was charged ahead the turn has come.
    void begin(Spent charged) { ahead -= std::min(charged, ahead); }
    /// What was charged, and is not ahead any more, has cost something else.
    void correct(Spent charged, Spent cost)
    {
        spent -= std::min(charged, spent);
        spent += cost;
    }
    [[nodiscard]] Spent had() const { return spent - std::min(ahead, spent); }
};

/// Who of a number of rivals has had least: start-time fair queueing. Whoever comes, or comes back,
/// begins where those are that are served now, but for what workers hold ahead for them, which may
/// be taken back. So nobody saves up, and nobody owes for a time when he alone was there.
template <typename Who, typename Each = Account>
class Rivals {
public:
    /// One lane more of his has unfinished jobs. The account is good until the last has none.
    Each& enter(Who who)
    {
        Each& account = accounts_[who];
        if (account.lanes++ == 0) {
            ++active_;
            account.spent = std::max(account.spent, clock_);
        }
        return account;
    }
    void leave(Account& account)
    {
        JOBMILL_ASSERT(account.lanes > 0);
        if (--account.lanes == 0) {
            --active_;
            if (accounts_.size() > room_) {
                forget_some();
            }
        }
    }
    /// He could not be served though he had jobs, and can be again. The account that has changed;
    /// none when it is not remembered.
    const Account* come_back(Who who)
    {
        Account* account = find(who);
        if (account != nullptr) {
            account->spent = std::max(account->spent, clock_);
        }
        return account;
    }
    [[nodiscard]] Spent spent(Who who) const
    {
        const auto found = accounts_.find(who);
        return found == accounts_.end() ? clock_ : found->second.spent;
    }
    /// None when he is not remembered.
    [[nodiscard]] Each* find(Who who)
    {
        const auto found = accounts_.find(who);
        return found == accounts_.end() ? nullptr : &found->second;
    }
    /// He is served ahead of his turn, which is expected to cost so much.
    void serve(Account& account, Spent cost)
    {
        clock_ = std::max(clock_, account.had());
        account.spent += cost;
        account.ahead += cost;
    }
    /// One of them has had so much, more than nothing. Were it only by who is served, and each time
    /// somebody new, time would stand still for who is there for longer. A little less than each
    /// has had on the average: who comes goes before who is there.
    void pass(Spent cost) { clock_ += (cost - 1) / std::max<std::size_t>(1, active_); }
    /// Those that are remembered, for tests.
    [[nodiscard]] std::size_t size() const { return accounts_.size(); }

private:
    /// Who has nothing to do is remembered all the same, for he may have had more than his share,
    /// and is likely to come back; when there are many, those that owe nothing are forgotten, and
    /// when many are left, whoever is not there: sessions of a single job would pile up.
    static constexpr std::size_t fewest = 256;
    static constexpr std::size_t most_absent = 2048;

    void forget_some()
    {
        const auto forget = [this](Spent most) {
            std::erase_if(accounts_, [most](const auto& each) {
                return each.second.lanes == 0 && each.second.spent <= most;
            });
        };
        forget(clock_);
        if (accounts_.size() > active_ + most_absent) {
            forget(std::numeric_limits<Spent>::max());
        }
        room_ = std::max(fewest, 2 * accounts_.size());
    }

    std::unordered_map<Who, Each> accounts_;
    std::size_t active_ = 0;  ///< of these, so many have lanes
    std::size_t room_ = fewest;
    Spent clock_ = 0;  ///< what he had had who was served last
};

/// A user, and what his sessions have had among themselves: what others' have does not matter
/// there.
struct UserAccount : Account {
    Rivals<SessionId> sessions;
};

}  // namespace jobmill::core
