// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace jobmill::core {

/// Numbers that look random and follow from the seed: SplitMix64.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    /// From [0, 1).
    [[nodiscard]] double chance()
    {
        constexpr double scale = 1.0 / 9007199254740992.0;  // 2^53, what a double tells apart
        return static_cast<double>(next() >> 11U) * scale;
    }

private:
    std::uint64_t next()
    {
        state_ += 0x9E3779B97F4A7C15U;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
        return mixed ^ (mixed >> 31U);
    }

    std::uint64_t state_;
};

}  // namespace jobmill::core
