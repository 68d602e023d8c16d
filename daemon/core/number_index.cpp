// SPDX-License-Identifier: MIT
#include "daemon/core/number_index.hpp"

namespace jobmill::core {

namespace {
constexpr std::size_t smallest = 64;
}

NumberIndex::NumberIndex(std::size_t kept, std::uint64_t scatter)
    : kept_(kept), slots_(smallest), row_bits_(bits_of_rows()), scatter_(scatter)
{
    JOBMILL_ASSERT(scatter % 2 == 1);
}

/// Which row, the high bits of a product say, which keeps rows of consecutive numbers apart. The
/// next ones say at which column a row begins: numbers far apart are not all in one.
std::size_t NumberIndex::home_of(std::uint64_t number) const
{
    const std::uint64_t hash = number / row * scatter_;
    const std::uint64_t begins = hash << row_bits_ >> 60U;
    const std::uint64_t column = (begins + number) % row;
    return column << row_bits_ | hash >> (64U - row_bits_);
}

}  // namespace jobmill::core
