// SPDX-License-Identifier: MIT
// The states of a job, from protocol version 1 on (PROTOCOL.md draws them), and what a terminal
// state says of its cause.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jobmill {

enum class JobState : std::uint8_t {
    waiting = 0,
    queued = 1,
    running = 2,
    succeeded = 3,
    failed = 4,
    crashed = 5,
    timed_out = 6,
    cancelled = 7,
    expired = 8,
    skipped = 9,
    interrupted = 10,
};

inline constexpr auto job_state_names = std::to_array<std::string_view>(
    {"waiting", "queued", "running", "succeeded", "failed", "crashed", "timed_out", "cancelled",
     "expired", "skipped", "interrupted"});

[[nodiscard]] constexpr std::string_view name_of(JobState state) noexcept
{
    return job_state_names.at(static_cast<std::size_t>(state));
}

[[nodiscard]] constexpr bool is_terminal(JobState state) noexcept
{
    return state >= JobState::succeeded;
}

/// The state of that number, or none.
[[nodiscard]] constexpr std::optional<JobState> job_state_of(std::uint8_t value) noexcept
{
    if (value >= job_state_names.size()) {
        return {};
    }
    return static_cast<JobState>(value);
}

/// Why a job did not succeed. Members that do not belong to its kind stay empty.
struct Cause {
    /// "error": the handler failed, with `text`. "exit": a command left with `exit_code`, or a
    /// worker without a result. "signal": died of `signal`. "exec": a command could not be started,
    /// `text` says why and `exit_code` is 126 or 127. "cancel": cancelled when it `was` queued or
    /// running. "lost": its worker was replaced. "stopping": the daemon stopped.
    std::string kind;
    std::string text;
    std::optional<int> exit_code;
    std::string signal;  ///< "SIGSEGV"
    bool core_dumped = false;
    std::string stderr_tail;  ///< the end of what the worker wrote to its standard error
    std::string last_words;   ///< what the worker's crash handler noted
    std::string was;          ///< "queued" or "running"

    friend bool operator==(const Cause&, const Cause&) = default;
};

}  // namespace jobmill
