// SPDX-License-Identifier: MIT
// What a job may ask for beside its handler and payload. PROTOCOL.md says what each option means.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace jobmill {

/// No bound at all. Spelled as a word on the wire, since 0 never means it.
inline constexpr std::uint64_t unlimited = UINT64_MAX;

/// What is absent is the pool's default.
struct JobOptions {
    std::optional<std::int32_t> priority{};  ///< -100 to 100; higher runs first

    std::optional<std::uint64_t> timeout_ms{};        ///< for one attempt; or unlimited
    std::optional<std::uint64_t> queue_timeout_ms{};  ///< to begin, from submission; or unlimited
    std::optional<std::uint64_t> delay_ms{};          ///< not to begin before, from submission

    /// So many more attempts after a crash, a timeout, a failure.
    std::optional<std::uint32_t> retry_crash{};
    std::optional<std::uint32_t> retry_timeout{};
    std::optional<std::uint32_t> retry_failure{};
    std::optional<std::uint64_t> backoff_ms{};      ///< before the second attempt, then doubled
    std::optional<std::uint64_t> backoff_max_ms{};  ///< but never more

    // Each a number or unlimited.
    std::optional<std::uint64_t> memory{};  ///< bytes
    std::optional<std::uint64_t> cpu_ms{};
    std::optional<std::uint64_t> file_size{};  ///< bytes
    std::optional<std::uint64_t> open_files{};
    std::optional<std::uint64_t> processes{};

    std::optional<std::int32_t> nice{};  ///< 0 to 19
    std::string_view cpus{};             ///< such as "0,2-3"; empty: those of the daemon

    std::string_view batch{};               ///< the name that its user gave to jobs of one kin
    std::string_view halt{};                ///< such as "now,fail=1": when the batch gives up
    std::optional<std::uint64_t> parent{};  ///< the job that submits this one, and waits for it

    friend bool operator==(const JobOptions&, const JobOptions&) = default;
};

}  // namespace jobmill
