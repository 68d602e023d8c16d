// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <vector>

#include "daemon/core/fair_shares.hpp"
#include "jobmill/ids.hpp"

namespace jobmill::core {

/// What each pool has had of the time that all have together, by weight. As with users, a pool that
/// had nothing to do begins where those are that are served now.
class PoolShares {
public:
    [[nodiscard]] Spent standing(PoolId pool) const
    {
        return number(pool) < spent_.size() ? std::max(spent_[number(pool)], clock_) : clock_;
    }
    /// One of its jobs begins, which is expected to take so long.
    void serve(PoolId pool, Duration expected, std::uint32_t weight)
    {
        if (number(pool) >= spent_.size()) {
            spent_.resize(std::size_t{number(pool)} + 1);
        }
        clock_ = standing(pool);
        spent_[number(pool)] = clock_ + weighted(expected, weight);
    }

    /// Another pool will have that number, and begins as whoever comes anew.
    void forget(PoolId pool)
    {
        if (number(pool) < spent_.size()) {
            spent_[number(pool)] = 0;
        }
    }

private:
    std::vector<Spent> spent_;  ///< by pool number
    Spent clock_ = 0;
};

}  // namespace jobmill::core
