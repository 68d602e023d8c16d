// SPDX-License-Identifier: MIT
// A line of a job log: the columns of GNU parallel's --joblog, so that what reads those reads ours.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "jobmill/event.hpp"
#include "jobmill/result.hpp"

namespace jobmill::commands {

inline constexpr std::string_view job_log_head =
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

/// Larger numbers of jobs are somebody's mistake.
inline constexpr std::uint64_t most_logged_jobs = 1'000'000'000;

struct JobLogLine {
    std::uint64_t seq = 0;  ///< number of the item, from 1
    std::chrono::system_clock::time_point start{};
    std::chrono::nanoseconds ran{};
    std::uint64_t sent = 0;      ///< bytes of payload
    std::uint64_t received = 0;  ///< bytes of output
    int exit_value = 0;          ///< -1: it was stopped, or never ran
    int signal = 0;
    std::string command;  ///< a line of sh; a newline in it is written as NUL

    [[nodiscard]] bool succeeded() const noexcept { return exit_value == 0 && signal == 0; }
};

/// With its newline.
[[nodiscard]] std::string text_of(const JobLogLine& line);

/// Without a newline. Reads what is asked of old logs: number, exit value, signal and command.
[[nodiscard]] Result<JobLogLine> parse_job_log_line(std::string_view text);

/// The line of a job that ended `now`.
[[nodiscard]] JobLogLine line_of(const event::JobResult& result,
                                 std::chrono::system_clock::time_point now);

}  // namespace jobmill::commands
