// SPDX-License-Identifier: MIT
// "Did you mean ...?"
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace jobmill {

/// The candidate that `word` is most likely a misspelling of, or empty when none is near.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       std::span<const std::string_view> candidates);

/// "; did you mean \"sum\"?", or empty when no candidate is near.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       std::span<const std::string_view> candidates);

}  // namespace jobmill
