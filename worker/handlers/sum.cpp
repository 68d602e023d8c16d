// SPDX-License-Identifier: MIT
#include <algorithm>
#include <charconv>
#include <cstdint>

#include "worker/handlers/handlers.hpp"
#include "worker/handlers/quoted.hpp"

namespace jobmill::handlers {
namespace {

/// The largest n whose sum fits 64 bits.
constexpr std::uint64_t largest = 6'074'000'999;

constexpr std::uint64_t additions_between_looks = 1U << 20U;

/// Adds up first ... last-1. The empty statement hides the total from the compiler, which would
/// otherwise know Gauss's formula or add eight numbers at a time.
std::uint64_t add_range(std::uint64_t total, std::uint64_t first, std::uint64_t last)
{
    for (std::uint64_t i = first; i < last; ++i) {
        total += i;
        asm volatile("" : "+r"(total));
    }
    return total;
}

}  // namespace

std::string sum(Job& job)
{
    const std::string_view text = trimmed(job.payload());
    std::uint64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    const bool is_number = error != std::errc::invalid_argument && end == text.data() + text.size();
    if (text.empty() || !is_number) {
        throw Failure{"sum: not a number: " + quoted(text)};
    }
    if (error == std::errc::result_out_of_range || n > largest) {
        throw Failure{"sum: " + std::string{text.substr(0, 32)} +
                      " is too large: the sum would not fit 64 bits; the limit is " +
                      std::to_string(largest)};
    }
    std::uint64_t total = 0;
    for (std::uint64_t at = 0; at <= n; at += additions_between_looks) {
        job.stop_if_cancelled();
        total = add_range(total, at, std::min(at + additions_between_looks, n + 1));
    }
    return std::to_string(total);
}

}  // namespace jobmill::handlers
