// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "daemon/core/terms.hpp"

namespace jobmill::core {

/// How long a pool's jobs run lately, those of each handler by themselves: by that it is judged how
/// many of them a worker holds, so that it has work for a while when they are short, and keeps none
/// from others when they are long.
class Pace {
public:
    /// One of that handler has run for so long.
    void ran(std::uint16_t handler, Duration time)
    {
        if (handler >= by_handler_.size()) {
            by_handler_.resize(handler + std::size_t{1});
        }
        add(by_handler_[handler], time);
        add(lately_, time);
    }
    /// Zero while nothing is known.
    [[nodiscard]] Duration lately() const { return lately_; }
    [[nodiscard]] Duration lately(std::uint16_t handler) const
    {
        return handler < by_handler_.size() ? by_handler_[handler] : Duration{};
    }

private:
    static void add(Duration& lately, Duration time)
    {
        // A job counts by an eighth: one that is long is felt at once, and forgotten soon.
        constexpr Duration::rep weight = 8;
        const Duration sample = std::max(time, Duration{1});
        lately = lately == Duration{} ? sample : lately + (sample - lately) / weight;
        lately = std::max(lately, Duration{1});
    }

    Duration lately_{};
    std::vector<Duration> by_handler_;
};

}  // namespace jobmill::core
