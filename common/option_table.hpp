// SPDX-License-Identifier: MIT
// What a job's options are called and what they may be, in both spellings alike. PROTOCOL.md has
// the same table; a test compares the two. For the codecs, and for who checks before it encodes.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <variant>

#include "common/codec.hpp"
#include "common/limits.hpp"
#include "jobmill/job_options.hpp"

namespace jobmill::options {

/// The word for no bound at all.
inline constexpr std::string_view unlimited_word = "unlimited";

enum class Spelled : std::uint8_t {
    number,
    number_or_unlimited,
    digits,  ///< in JSON a text of digits, since it may exceed 2^53
};

struct Range {
    std::string_view name;
    std::int64_t least = 0;
    std::int64_t most = 0;
    Spelled spelled = Spelled::number;
};

struct NumberOption {
    Range range;
    std::variant<std::optional<std::int32_t> JobOptions::*,
                 std::optional<std::uint32_t> JobOptions::*,
                 std::optional<std::uint64_t> JobOptions::*>
        member;
};

struct TextOption {
    std::string_view name;
    std::string_view JobOptions::*member;
    std::size_t most;  ///< bytes
};

struct NameOption {
    std::string_view name;
    std::string_view SubmitOptions::*member;
};

struct Flag {
    std::string_view name;
    bool SubmitOptions::*member;
};

inline constexpr auto names = std::to_array<NameOption>({{"pool", &SubmitOptions::pool},
                                                         {"handler", &SubmitOptions::handler},
                                                         {"label", &SubmitOptions::label}});

inline constexpr auto flags = std::to_array<Flag>({{"detached", &SubmitOptions::detached},
                                                   {"started", &SubmitOptions::want_started},
                                                   {"retrying", &SubmitOptions::want_retrying},
                                                   {"progress", &SubmitOptions::want_progress}});

inline constexpr std::int64_t any = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t any_count = std::numeric_limits<std::uint32_t>::max();

// clang-format off
inline constexpr auto numbers = std::to_array<NumberOption>({
    {{"priority",         -100, 100,                  Spelled::number},              &JobOptions::priority},
    {{"timeout_ms",       1,    limits::time_ms,      Spelled::number_or_unlimited}, &JobOptions::timeout_ms},
    {{"queue_timeout_ms", 1,    limits::time_ms,      Spelled::number_or_unlimited}, &JobOptions::queue_timeout_ms},
    {{"delay_ms",         0,    limits::time_ms,      Spelled::number},              &JobOptions::delay_ms},
    {{"retry_crash",      0,    limits::retries,      Spelled::number},              &JobOptions::retry_crash},
    {{"retry_timeout",    0,    limits::retries,      Spelled::number},              &JobOptions::retry_timeout},
    {{"retry_failure",    0,    limits::retries,      Spelled::number},              &JobOptions::retry_failure},
    {{"backoff_ms",       1,    limits::backoff_ms,   Spelled::number},              &JobOptions::backoff_ms},
    {{"backoff_max_ms",   1,    limits::backoff_ms,   Spelled::number},              &JobOptions::backoff_max_ms},
    {{"memory",           1,    any,                  Spelled::number_or_unlimited}, &JobOptions::memory},
    {{"cpu_ms",           1,    limits::time_ms,      Spelled::number_or_unlimited}, &JobOptions::cpu_ms},
    {{"file_size",        1,    any,                  Spelled::number_or_unlimited}, &JobOptions::file_size},
    {{"open_files",       1,    any_count,            Spelled::number_or_unlimited}, &JobOptions::open_files},
    {{"processes",        1,    any_count,            Spelled::number_or_unlimited}, &JobOptions::processes},
    {{"nice",             0,    19,                   Spelled::number},              &JobOptions::nice},
    {{"parent",           1,    any,                  Spelled::digits},              &JobOptions::parent},
});

inline constexpr auto texts = std::to_array<TextOption>({
    {"cpus",  &JobOptions::cpus,  limits::name},
    {"batch", &JobOptions::batch, limits::name},
    {"halt",  &JobOptions::halt,  limits::halt},
});
// clang-format on

// Of adjust.
inline constexpr Range max_running{"max_running", 1, any_count, Spelled::number_or_unlimited};
inline constexpr Range weight{"weight", 1, 1000, Spelled::number};

/// The option of that name, or null.
[[nodiscard]] const NumberOption* find_number(std::string_view name) noexcept;
[[nodiscard]] const TextOption* find_text(std::string_view name) noexcept;

/// A number of the range, or none for no bound at all.
using Number = std::optional<std::int64_t>;
[[nodiscard]] Decoded<Number> judge(const Range& range, std::int64_t value);
/// What was written instead of a number.
[[nodiscard]] Decoded<Number> judge(const Range& range, std::string_view word);
[[nodiscard, gnu::cold]] tl::unexpected<ErrorReply> beyond(const Range& range);
[[nodiscard, gnu::cold]] tl::unexpected<ErrorReply> wrong_type(const Range& range);

template <std::integral T>
void set(Number value, std::optional<T>& to)
{
    to = value ? static_cast<T>(*value) : static_cast<T>(unlimited);
}
void set(const NumberOption& option, Number value, JobOptions& to);
[[nodiscard]] Decoded<void> set(const TextOption& option, std::string_view value, JobOptions& to);

/// What no option can say by itself: whether they go together.
[[nodiscard]] Decoded<void> check_together(const JobOptions& options);
[[nodiscard]] Decoded<void> check_together(const AdjustRequest& request);
/// All of it, for who has options that were not decoded.
[[nodiscard]] Decoded<void> check(const JobOptions& options);
[[nodiscard]] Decoded<void> check(const AdjustRequest& request);

}  // namespace jobmill::options
