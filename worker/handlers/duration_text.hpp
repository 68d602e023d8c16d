// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace jobmill::handlers {

/// A decimal number, fractions allowed, and a unit: us, ms, s, m, h; seconds without one. None when
/// it is not that, negative, or above ten years.
[[nodiscard]] std::optional<std::chrono::nanoseconds> decimal_duration(std::string_view text);

}  // namespace jobmill::handlers
