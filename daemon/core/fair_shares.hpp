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

/// Who of a number of rivals has had least: start-time fair queueing. Whoever comes, or comes back,
/// begins where those are that are served now; so nobody saves up, and nobody owes for a time when
/// he alone was there.
template <typename Who>
class Rivals {
public:
    struct Entry {
        Spent spent = 0;
        std::uint64_t jobs = 0;
    };

    /// One job more or less of his is unfinished.
    void enter(Who who)
    {
        Entry& entry = entries_[who];
        if (entry.jobs++ == 0) {
            ++active_;
            entry.spent = std::max(entry.spent, clock_);
        }
    }
    void leave(Who who)
    {
        const auto found = entries_.find(who);
        JOBMILL_ASSERT(found != entries_.end());
        if (--found->second.jobs == 0) {
            --active_;
            if (entries_.size() > room_) {
                forget_some();
            }
        }
    }
    /// He could not be served though he had jobs, and can be again.
    void come_back(Who who)
    {
        const auto found = entries_.find(who);
        if (found != entries_.end() && found->second.spent < clock_) {
            found->second.spent = clock_;
        }
    }
    [[nodiscard]] Spent spent(Who who) const
    {
        const auto found = entries_.find(who);
        return found == entries_.end() ? clock_ : found->second.spent;
    }
    /// Of one who has jobs; good for as long as he has any.
    [[nodiscard]] const Entry& entry(Who who) const
    {
        const auto found = entries_.find(who);
        JOBMILL_ASSERT(found != entries_.end() && found->second.jobs > 0);
        return found->second;
    }
    /// He is served now, which is expected to cost so much.
    void serve(Who who, Spent cost)
    {
        Entry& entry = entries_[who];
        clock_ = clock_ < entry.spent ? entry.spent : clock_;
        entry.spent += cost;
    }
    /// Those that are remembered, for tests.
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    /// It has cost something else.
    void correct(Who who, Spent charged, Spent cost)
    {
        const auto found = entries_.find(who);
        if (found != entries_.end()) {
            found->second.spent -= charged < found->second.spent ? charged : found->second.spent;
            found->second.spent += cost;
        }
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
            std::erase_if(entries_, [most](const auto& each) {
                return each.second.jobs == 0 && each.second.spent <= most;
            });
        };
        forget(clock_);
        if (entries_.size() > active_ + most_absent) {
            forget(std::numeric_limits<Spent>::max());
        }
        room_ = std::max(fewest, 2 * entries_.size());
    }

    std::unordered_map<Who, Entry> entries_;
    std::size_t active_ = 0;  ///< of these, so many have jobs
    std::size_t room_ = fewest;
    Spent clock_ = 0;  ///< what he had had who was served last
};

}  // namespace jobmill::core
