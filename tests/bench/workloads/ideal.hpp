// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace jobmill::bench {

/// How many milliseconds two bare processes take for jobs of so many microseconds, the first of
/// `first`, when each has its share from the start: measured now, by the program static_split.
[[nodiscard]] double ideal_ms(std::uint64_t microseconds, std::uint64_t jobs, std::uint64_t first);

}  // namespace jobmill::bench
