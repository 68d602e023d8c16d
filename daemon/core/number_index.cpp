// SPDX-License-Identifier: MIT
#include "daemon/core/number_index.hpp"

#include <bit>

namespace jobmill::core {

namespace {
constexpr std::size_t smallest = 64;
}

NumberIndex::NumberIndex(std::uint64_t scatter) : slots_(smallest), scatter_(scatter)
{
    JOBMILL_ASSERT(scatter % 2 == 1);
}

/// Rows in a row would become one long run, past which every search has to go that begins in it:
/// they are scattered, by the high bits of a product, which keeps those of consecutive numbers
/// apart.
std::size_t NumberIndex::home_of(std::uint64_t number) const
{
    const auto bits = static_cast<unsigned>(std::countr_zero(slots_.size() / row));
    return ((number / row * scatter_) >> (64U - bits)) * row + number % row;
}

}  // namespace jobmill::core
