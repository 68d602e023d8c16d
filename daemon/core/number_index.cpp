// SPDX-License-Identifier: MIT
#include "daemon/core/number_index.hpp"

#include <bit>

namespace jobmill::core {

namespace {
constexpr std::size_t smallest = 64;
}

NumberIndex::NumberIndex() : places_(smallest, none) {}

/// Rows in a row would become one long run, past which every search has to go that begins in it:
/// they are scattered, by Fibonacci hashing, which keeps those of consecutive numbers apart.
std::size_t NumberIndex::home_of(std::uint64_t number) const
{
    constexpr std::uint64_t golden = 0x9E3779B97F4A7C15U;
    const auto bits = static_cast<unsigned>(std::countr_zero(places_.size() / row));
    return ((number / row * golden) >> (64U - bits)) * row + number % row;
}

}  // namespace jobmill::core
