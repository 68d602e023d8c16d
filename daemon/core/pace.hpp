// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>

#include "daemon/core/terms.hpp"

namespace jobmill::core {

/// How long a pool's jobs run lately, and by that how many of them a worker holds: so that it has
/// work for a while when they are short, and keeps none from others when they are long.
class Pace {
public:
    /// One has run for so long.
    void ran(Duration time)
    {
        const Duration sample = std::max(time, Duration{1});
        lately_ = lately_ == Duration{} ? sample : lately_ + (sample - lately_) / weight;
        lately_ = std::max(lately_, Duration{1});
    }
    /// One while nothing is known; `most` where there is no end to what they may hold.
    [[nodiscard]] std::uint32_t depth(Duration ahead, std::uint32_t most) const
    {
        if (ahead == forever) {
            return most;
        }
        if (lately_ == Duration{}) {
            return 1;
        }
        return static_cast<std::uint32_t>(
            std::clamp<Duration::rep>(ahead / lately_, 1, std::max(most, 1U)));
    }

    /// Zero while nothing is known.
    [[nodiscard]] Duration lately() const { return lately_; }

private:
    /// A job counts by an eighth: one that is long is felt at once, and forgotten soon.
    static constexpr Duration::rep weight = 8;

    Duration lately_{};
};

}  // namespace jobmill::core
