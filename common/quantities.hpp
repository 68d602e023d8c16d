// SPDX-License-Identifier: MIT
// Sizes and durations as people write them, in files and on command lines alike.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "jobmill/result.hpp"

namespace jobmill {

/// "64 MiB", "1GiB", "1000"; "64M" is the same as the first, as it is to systemd and to dd.
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);
/// "500ms", "5s", "10m", "1h".
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// "20us", "1ms".
[[nodiscard]] Result<std::chrono::microseconds> parse_short_duration(std::string_view text);

// The same back, in the largest unit that leaves a whole number.
[[nodiscard]] std::string size_text(std::uint64_t bytes);
[[nodiscard]] std::string duration_text(std::chrono::milliseconds duration);
[[nodiscard]] std::string short_duration_text(std::chrono::microseconds duration);

}  // namespace jobmill
