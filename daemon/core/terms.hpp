// SPDX-License-Identifier: MIT
// By what a job and a pool are to be treated. The edge has judged every value; what has no bound
// has the largest value of its type.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace jobmill::core {

/// Time as the edge tells it; the core has no clock.
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
using Duration = std::chrono::nanoseconds;

/// A wait that never ends.
inline constexpr Duration forever = Duration::max();
inline constexpr TimePoint never = TimePoint::max();

/// A point in time so much later; never, for a wait that does not end.
[[nodiscard]] constexpr TimePoint after(TimePoint start, Duration wait) noexcept
{
    return wait >= never - start ? never : start + wait;
}

/// A number that bounds nothing.
inline constexpr std::uint32_t no_bound = std::numeric_limits<std::uint32_t>::max();

/// The weight of whom nobody has given another.
inline constexpr std::uint32_t usual_weight = 100;

/// Whose job it is: the operating system's number of a user.
enum class UserId : std::uint32_t {};
/// A label that has rules of its own; 0 is for all others.
enum class LabelId : std::uint32_t {};
/// Jobs that were submitted as one; 0 is no batch.
enum class BatchId : std::uint32_t {};

/// What one job asks for.
struct JobTerms {
    std::int8_t priority = 0;  ///< -100 to 100
    /// Its use changes the worker for good (niceness, affinity): no other job may follow.
    bool spoils_worker = false;
    /// Its worker holds no other job meanwhile: what it is bounded by, or reports, is the worker's.
    bool alone = false;
    /// So many more attempts after each cause.
    std::uint16_t retry_crash = 0;
    std::uint16_t retry_timeout = 0;
    std::uint16_t retry_failure = 0;
    Duration delay{};                  ///< not to begin before, from submission
    Duration queue_timeout = forever;  ///< to begin, from submission
    Duration run_timeout = forever;    ///< for one attempt
    Duration backoff = std::chrono::milliseconds{100};
    Duration longest_backoff = std::chrono::seconds{30};

    friend bool operator==(const JobTerms&, const JobTerms&) = default;
};

/// How a pool works.
struct PoolTerms {
    /// Workers that it keeps without work; the others leave after `idle_timeout`.
    std::uint32_t min_workers = no_bound;
    Duration idle_timeout = std::chrono::seconds{60};
    std::uint32_t max_running = no_bound;
    std::uint32_t weight = usual_weight;  ///< its share, where pools compete
    /// A job that has crashed so many workers is not tried again.
    std::uint32_t poison_after = 3;
    /// A worker is replaced after so many jobs, or at that age.
    std::uint32_t recycle_jobs = no_bound;
    Duration recycle_age = forever;
    /// Slots that jobs which wait for their own jobs may lend, at most.
    std::uint32_t max_lent = 64;
    /// So much longer than elsewhere its template may load, and a worker may take to its hello.
    Duration more_to_load{};
    Duration more_to_start{};

    friend bool operator==(const PoolTerms&, const PoolTerms&) = default;
};

}  // namespace jobmill::core
