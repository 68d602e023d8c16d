// SPDX-License-Identifier: MIT
// What the programs that measure have in common: a clock, quantiles, and an end when something is
// not as it should be.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "jobmill/result.hpp"

namespace jobmill::bench {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

[[nodiscard]] inline double milliseconds_since(Clock::time_point start)
{
    return Milliseconds{Clock::now() - start}.count();
}

/// Times in milliseconds, sorted when they are asked for.
class Times {
public:
    void add(double milliseconds) { all_.push_back(milliseconds); }
    [[nodiscard]] std::size_t count() const noexcept { return all_.size(); }
    [[nodiscard]] double quantile(double part)
    {
        std::sort(all_.begin(), all_.end());
        return all_.at(static_cast<std::size_t>(part * static_cast<double>(all_.size() - 1)));
    }
    /// {"p50":1.234,"p99":2.345,"max":3.456}
    [[nodiscard]] std::string json();

private:
    std::vector<double> all_;
};

/// Prints why, after the program's name, and exits with 1.
[[noreturn]] void give_up(const std::string& why);

/// The first word of the command line as a number, or what is usual without one.
[[nodiscard]] long number_given(int argc, char** argv, long usual);

template <typename T>
T checked(Result<T> result)
{
    if (!result) {
        give_up(result.error().what);
    }
    return std::move(*result);
}

inline void check(const Result<void>& result)
{
    if (!result) {
        give_up(result.error().what);
    }
}

}  // namespace jobmill::bench
