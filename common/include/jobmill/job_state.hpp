// SPDX-License-Identifier: MIT
// The states of a job, from protocol version 1 on (PROTOCOL.md draws them), and what a terminal
// state says of its cause.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobmill/ids.hpp"

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

/// The state of that name, or none.
[[nodiscard]] constexpr std::optional<JobState> job_state_of(std::string_view name) noexcept
{
    for (std::size_t i = 0; i < job_state_names.size(); ++i) {
        if (job_state_names.at(i) == name) {
            return static_cast<JobState>(i);
        }
    }
    return {};
}

/// Why a job did not succeed. Members that do not belong to its kind stay empty.
struct Cause {
    std::string kind;  ///< one of cause_kinds (cause_kind.hpp), or what a later daemon says
    std::string text;
    std::optional<int> exit_code;
    std::string signal;  ///< "SIGSEGV"
    bool core_dumped = false;
    std::string stderr_tail;            ///< the end of what the worker wrote to its standard error
    std::string last_words;             ///< what the worker's crash handler noted
    std::string was;                    ///< "waiting", "queued" or "running"
    std::string limit;                  ///< the one that it went beyond, of limit_names
    bool out_of_memory = false;         ///< the kernel killed it for want of memory
    bool poison = false;                ///< it crashed too many workers and was set aside
    bool stderr_shared = false;         ///< what was written may be of the jobs before it, too
    std::string stack;                  ///< where it was when it was stopped
    std::optional<std::uint64_t> done;  ///< the last progress that it told
    std::optional<std::uint64_t> total;
    std::string note;

    friend bool operator==(const Cause&, const Cause&) = default;
};

/// What an attempt took. Absent when nobody could know.
struct Usage {
    std::optional<std::uint64_t> cpu_ns;
    std::optional<std::uint64_t> peak_rss;  ///< bytes
    bool approximate = false;               ///< not exact: of short jobs, commands, dead workers

    friend bool operator==(const Usage&, const Usage&) = default;
};

/// An attempt that did not succeed and was followed by another.
struct Attempt {
    JobState state = JobState::failed;
    SlotId worker{};
    std::uint64_t run_ns = 0;
    Cause cause;

    friend bool operator==(const Attempt&, const Attempt&) = default;
};

}  // namespace jobmill
