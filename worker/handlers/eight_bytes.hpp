// SPDX-License-Identifier: MIT
// Eight bytes of a text as one number, the first of them lowest: what most words fit in.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace jobmill::handlers {

static_assert(std::endian::native == std::endian::little);

/// There must be eight.
[[nodiscard]] inline std::uint64_t load_eight(const char* at) noexcept
{
    std::uint64_t eight = 0;
    std::memcpy(&eight, at, sizeof eight);
    return eight;
}

/// The first of them, at most seven; zeros in place of the others.
[[nodiscard]] constexpr std::uint64_t first_of_eight(std::uint64_t eight,
                                                     std::size_t count) noexcept
{
    return eight & ((std::uint64_t{1} << (8 * count)) - 1);
}

/// The first eight of a text, with zeros after one that has less.
[[nodiscard]] inline std::uint64_t first_eight(std::string_view text) noexcept
{
    if (text.size() >= sizeof(std::uint64_t)) {
        return load_eight(text.data());
    }
    std::uint64_t eight = 0;
    std::memcpy(&eight, text.data(), text.size());
    return eight;
}

/// The same number in each of the eight.
[[nodiscard]] constexpr std::uint64_t eight_times(unsigned char byte) noexcept
{
    return 0x0101010101010101U * byte;
}

/// ASCII letters in lower case; what is no letter becomes something else that is none.
[[nodiscard]] constexpr std::uint64_t lower_eight(std::uint64_t eight) noexcept
{
    return eight | eight_times(0x20);
}

/// How many of lower_eight() are letters before the first that is none.
[[nodiscard]] constexpr std::size_t leading_letters(std::uint64_t lower) noexcept
{
    // All eight are compared at once: a sum reaches its byte's top bit when the byte is large
    // enough, and never the next byte, since without their own top bits they are below 128.
    constexpr std::uint64_t top_bits = eight_times(0x80);
    const std::uint64_t low_bits = lower & ~top_bits;
    const std::uint64_t from_a = low_bits + eight_times(0x80 - 'a');
    const std::uint64_t beyond_z = low_bits + eight_times(0x80 - ('z' + 1));
    const std::uint64_t letters = from_a & ~beyond_z & ~lower & top_bits;
    return static_cast<std::size_t>(std::countr_zero(letters ^ top_bits)) / 8;
}

}  // namespace jobmill::handlers
