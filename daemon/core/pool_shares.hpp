// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "daemon/core/terms.hpp"
#include "jobmill/ids.hpp"

namespace jobmill::core {

/// What each pool has had of the time that all have together, by weight. As with users, a pool that
/// had nothing to do begins where those are that are served now.
class PoolShares {
public:
    [[nodiscard]] std::uint64_t standing(PoolId pool) const
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
        constexpr std::uint64_t usual_weight = 100;
        const auto cost = static_cast<std::uint64_t>(std::max<Duration::rep>(1, expected.count()));
        spent_[number(pool)] =
            clock_ + std::max<std::uint64_t>(1, cost * usual_weight / std::max(1U, weight));
    }

private:
    std::vector<std::uint64_t> spent_;  ///< by pool number
    std::uint64_t clock_ = 0;
};

}  // namespace jobmill::core
