// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <unordered_map>

#include "common/assert.hpp"
#include "daemon/core/job.hpp"

namespace jobmill::core {

/// What somebody has had, in weighted nanoseconds of CPU time.
using Spent = std::uint64_t;

/// What so much time counts for: twice the weight is half of it, and nothing is for nothing.
[[nodiscard]] inline Spent weighted(Duration time, std::uint32_t weight)
{
    const auto nanoseconds = static_cast<std::uint64_t>(std::max<Duration::rep>(1, time.count()));
    return std::max<Spent>(1, nanoseconds * usual_weight / std::max(1U, weight));
}

/// What one of a number of rivals has had, and how many jobs of his are unfinished.
struct Account {
    /// In a LaneOrder, which keeps the list of its branches here.
    using Place = std::uint32_t;
    static constexpr Place nowhere = UINT32_MAX;

    Spent spent = 0;
    std::uint64_t jobs = 0;
    Place branches = nowhere;
};

/// Who of a number of rivals has had least: start-time fair queueing. Whoever comes, or comes back,
/// begins where those are that are served now; so nobody saves up, and nobody owes for a time when
/// he alone was there.
template <typename Who>
class Rivals {
public:
    /// One job more or less of his is unfinished.
    void enter(Who who)
    {
        Account& account = accounts_[who];
        if (account.jobs++ == 0) {
            ++active_;
            account.spent = std::max(account.spent, clock_);
        }
    }
    void leave(Who who)
    {
        const auto found = accounts_.find(who);
        JOBMILL_ASSERT(found != accounts_.end());
        if (--found->second.jobs == 0) {
            --active_;
            if (accounts_.size() > room_) {
                forget_some();
            }
        }
    }
    /// He could not be served though he had jobs, and can be again. Here and below: the account
    /// that has changed; none when it is not remembered.
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
    /// Of one who has jobs; good for as long as he has any.
    [[nodiscard]] Account& account(Who who)
    {
        Account* account = find(who);
        JOBMILL_ASSERT(account != nullptr && account->jobs > 0);
        return *account;
    }
    /// None when he is not remembered.
    [[nodiscard]] Account* find(Who who)
    {
        const auto found = accounts_.find(who);
        return found == accounts_.end() ? nullptr : &found->second;
    }
    /// He is served now, which is expected to cost so much.
    void serve(Who who, Spent cost) { serve(accounts_[who], cost); }
    void serve(Account& account, Spent cost)
    {
        clock_ = std::max(clock_, account.spent);
        account.spent += cost;
    }
    /// Those that are remembered, for tests.
    [[nodiscard]] std::size_t size() const { return accounts_.size(); }
    /// It has cost something else.
    const Account* correct(Who who, Spent charged, Spent cost)
    {
        Account* account = find(who);
        if (account != nullptr) {
            account->spent -= std::min(charged, account->spent);
            account->spent += cost;
        }
        return account;
    }

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
                return each.second.jobs == 0 && each.second.spent <= most;
            });
        };
        forget(clock_);
        if (accounts_.size() > active_ + most_absent) {
            forget(std::numeric_limits<Spent>::max());
        }
        room_ = std::max(fewest, 2 * accounts_.size());
    }

    std::unordered_map<Who, Account> accounts_;
    std::size_t active_ = 0;  ///< of these, so many have jobs
    std::size_t room_ = fewest;
    Spent clock_ = 0;  ///< what he had had who was served last
};

}  // namespace jobmill::core
