// SPDX-License-Identifier: MIT
#include "client/commands/job_log_line.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "client/commands/outcome.hpp"
#include "common/exit_code.hpp"
#include "common/signal_name.hpp"

namespace jobmill::commands {
namespace {

constexpr std::size_t columns_before_command = 8;

double seconds(std::chrono::nanoseconds time)
{
    return std::chrono::duration<double>(time).count();
}

template <typename T>
bool read_number(std::string_view text, T& to)
{
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
    return error == std::errc{} && end == text.data() + text.size();
}

/// Stopped from outside, or never begun: no exit code of its own.
bool was_stopped(JobState state)
{
    return state == JobState::timed_out || state == JobState::expired ||
           state == JobState::cancelled || state == JobState::skipped ||
           state == JobState::interrupted;
}

}  // namespace

std::string text_of(const JobLogLine& line)
{
    std::array<char, 160> numbers{};
    (void)std::snprintf(
        numbers.data(), numbers.size(), "%llu\t:\t%.3f\t%10.3f\t%llu\t%llu\t%d\t%d\t",
        static_cast<unsigned long long>(line.seq), seconds(line.start.time_since_epoch()),
        seconds(line.ran), static_cast<unsigned long long>(line.sent),
        static_cast<unsigned long long>(line.received), line.exit_value, line.signal);
    std::string command = line.command;
    std::replace(command.begin(), command.end(), '\n', '\0');
    return numbers.data() + command + "\n";
}

Result<JobLogLine> parse_job_log_line(std::string_view text)
{
    std::array<std::string_view, columns_before_command> columns;
    for (std::string_view& column : columns) {
        const std::size_t tab = text.find('\t');
        if (tab == std::string_view::npos || tab == 0) {
            return fail(Errc::invalid, "want nine columns with tabs between");
        }
        column = text.substr(0, tab);
        text.remove_prefix(tab + 1);
    }
    JobLogLine line;
    if (!read_number(columns[0], line.seq) || line.seq == 0 || line.seq > most_logged_jobs) {
        return fail(Errc::invalid, "the first column is not the number of a job");
    }
    if (!read_number(columns[6], line.exit_value) || !read_number(columns[7], line.signal)) {
        return fail(Errc::invalid, "exit value and signal are not numbers");
    }
    line.command = text;
    std::replace(line.command.begin(), line.command.end(), '\0', '\n');
    return line;
}

JobLogLine line_of(const event::JobResult& result, std::chrono::system_clock::time_point now)
{
    JobLogLine line;
    line.ran = std::chrono::nanoseconds{static_cast<std::int64_t>(result.run_ns)};
    line.start = now - std::chrono::duration_cast<std::chrono::system_clock::duration>(line.ran);
    const int signal = signal_number(result.cause->signal);
    if (was_stopped(result.state)) {
        line.exit_value = -1;
    } else if (result.state != JobState::succeeded && signal > 0) {
        line.signal = signal;
    } else {
        line.exit_value = result.dropped ? exit_code::job_failed : exit_code_of(result);
    }
    return line;
}

}  // namespace jobmill::commands
