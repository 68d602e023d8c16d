// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/effect.hpp"

namespace jobmill::core {

/// One event's handling: the time it happens at, and where its effects go.
struct Turn {
    TimePoint now{};
    Effects& effects;
    std::uint32_t ends_left = 0;  ///< of Patience::ends_at_once

    void ask(const Effect& effect) const { effects.push_back(effect); }
};

}  // namespace jobmill::core
