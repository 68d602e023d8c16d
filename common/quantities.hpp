// SPDX-License-Identifier: MIT
// Sizes and durations as people write them, in files and on command lines alike.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "jobmill/result.hpp"

namespace jobmill {

/// "64 MiB", "1GiB", "1000".
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);
/// "500ms", "5s", "10m", "1h".
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace jobmill
