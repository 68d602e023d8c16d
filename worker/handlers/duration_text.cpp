// SPDX-License-Identifier: MIT
#include "worker/handlers/duration_text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace jobmill::handlers {
namespace {

constexpr auto units = std::to_array<std::pair<std::string_view, double>>(
    {{"", 1e9}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}});

constexpr double longest_ns = 3.2e17;

}  // namespace

std::optional<std::chrono::nanoseconds> decimal_duration(std::string_view text)
{
    const std::size_t digits = text.find_first_not_of("0123456789.");
    const std::string_view amount = text.substr(0, digits);
    const std::string_view unit =
        digits == std::string_view::npos ? std::string_view{} : text.substr(digits);
    double value = 0;
    const auto [end, error] = std::from_chars(amount.data(), amount.data() + amount.size(), value,
                                              std::chars_format::fixed);
    if (amount.empty() || error != std::errc{} || end != amount.data() + amount.size()) {
        return {};
    }
    for (const auto& [name, factor] : units) {
        if (name == unit && value * factor <= longest_ns) {
            return std::chrono::nanoseconds{std::llround(value * factor)};
        }
    }
    return {};
}

}  // namespace jobmill::handlers
