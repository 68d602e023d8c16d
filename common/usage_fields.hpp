// SPDX-License-Identifier: MIT
// What a job took, among the fixed fields of its result: a flags byte, and two words.
#pragma once

#include <cstdint>
#include <optional>

#include "common/frame.hpp"
#include "jobmill/job_state.hpp"

namespace jobmill {

constexpr std::uint8_t usage_known_bit = 1;
constexpr std::uint8_t usage_approximate_bit = 2;

[[nodiscard]] inline std::uint8_t usage_flags(const Usage& usage) noexcept
{
    const bool known = usage.cpu_ns.has_value();
    return static_cast<std::uint8_t>((known ? usage_known_bit : 0) |
                                     (known && usage.approximate ? usage_approximate_bit : 0));
}

inline void append_usage(FrameWriter& frame, const Usage& usage)
{
    frame.field(usage.cpu_ns.value_or(0))
        .field(usage.cpu_ns ? usage.peak_rss.value_or(0) : std::uint64_t{0});
}

/// Into a usage of which nothing is known yet. False when the flags make no sense.
[[nodiscard]] inline bool take_usage(std::uint8_t flags, ByteReader& fixed, Usage& usage)
{
    if (flags > (usage_known_bit | usage_approximate_bit)) {
        return false;
    }
    const auto cpu_ns = fixed.number<std::uint64_t>();
    const auto peak_rss = fixed.number<std::uint64_t>();
    if ((flags & usage_known_bit) != 0) {
        usage.cpu_ns = cpu_ns;
        usage.approximate = (flags & usage_approximate_bit) != 0;
        if (peak_rss > 0) {
            usage.peak_rss = peak_rss;
        }
    }
    return true;
}

}  // namespace jobmill
