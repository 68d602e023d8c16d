// SPDX-License-Identifier: MIT
#include "client/commands/outcome.hpp"

#include <array>
#include <cstdio>

#include "common/exit_code.hpp"
#include "common/signal_name.hpp"

namespace jobmill::commands {
namespace {

std::string job_text(const event::JobResult& result)
{
    return "job " + std::to_string(number(result.job));
}

int signal_exit_code(const Cause& cause)
{
    const int signal = signal_number(cause.signal);
    return signal > 0 ? exit_code::signal_base + signal : exit_code::job_failed;
}

/// A code that a process can leave with and that says failure, or plain failure.
int failure_code(const Cause& cause)
{
    const int code = cause.exit_code.value_or(0);
    return code > 0 && code < 256 ? code : exit_code::job_failed;
}

std::string crash_text(const event::JobResult& result)
{
    const Cause& cause = result.cause;
    std::string text = job_text(result) + " crashed: ";
    if (cause.kind == "signal") {
        text += cause.signal;
    } else if (cause.kind == "exit") {
        text += "its worker left with exit code " + std::to_string(cause.exit_code.value_or(0));
    } else {
        text += cause.text.empty() ? cause.kind : cause.text;
    }
    text += " after " + duration_text(result.run_ns);
    if (number(result.worker) != 0) {
        text += " (worker " + std::to_string(number(result.worker)) + ", replaced)";
    }
    if (cause.core_dumped) {
        text += ", core dumped";
    }
    return text;
}

void add_lines(std::string_view text, std::vector<std::string>& lines)
{
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        if (end != 0) {
            lines.push_back("  " + std::string{text.substr(0, end)});
        }
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
}

}  // namespace

std::string duration_text(std::uint64_t nanoseconds)
{
    const double seconds = static_cast<double>(nanoseconds) / 1e9;
    std::array<char, 32> text{};
    if (seconds < 0.001) {
        (void)std::snprintf(text.data(), text.size(), "%.2f ms", seconds * 1e3);
    } else if (seconds < 1) {
        (void)std::snprintf(text.data(), text.size(), "%.0f ms", seconds * 1e3);
    } else if (seconds < 60) {
        (void)std::snprintf(text.data(), text.size(), "%.1f s", seconds);
    } else if (seconds < 3600) {
        (void)std::snprintf(text.data(), text.size(), "%.0f min", seconds / 60);
    } else {
        (void)std::snprintf(text.data(), text.size(), "%.0f h", seconds / 3600);
    }
    return text.data();
}

int exit_code_of(const event::JobResult& result)
{
    const Cause& cause = result.cause;
    switch (result.state) {
        case JobState::succeeded:
            return exit_code::ok;
        case JobState::failed:
            return cause.kind == "signal" ? signal_exit_code(cause) : failure_code(cause);
        case JobState::crashed:
            return cause.kind == "signal" ? signal_exit_code(cause) : exit_code::job_failed;
        case JobState::timed_out:
            return exit_code::timed_out;
        case JobState::cancelled:
        case JobState::expired:
        case JobState::skipped:
        case JobState::interrupted:
        case JobState::waiting:
        case JobState::queued:
        case JobState::running:
            break;
    }
    return exit_code::job_failed;
}

std::vector<std::string> notices_of(const event::JobResult& result)
{
    const Cause& cause = result.cause;
    std::vector<std::string> lines;
    switch (result.state) {
        case JobState::succeeded:
            break;
        case JobState::failed:
            if (cause.kind == "signal") {
                lines.push_back(job_text(result) + ": the command died of " + cause.signal);
            } else if (cause.kind != "exit") {
                lines.push_back(job_text(result) +
                                " failed: " + (cause.text.empty() ? cause.kind : cause.text));
            }
            break;
        case JobState::crashed:
            lines.push_back(crash_text(result));
            add_lines(cause.last_words, lines);
            add_lines(cause.stderr_tail, lines);
            break;
        default:
            lines.push_back(job_text(result) + " " + std::string{name_of(result.state)} +
                            (cause.kind == "stopping" ? ": the daemon stopped" : "") +
                            (cause.was.empty() ? "" : " (was " + cause.was + ")"));
            break;
    }
    if (result.dropped) {
        lines.push_back(job_text(result) + ": its result of " + std::to_string(result.size) +
                        " bytes was too large to hold");
    }
    return lines;
}

std::string text_of_error(const ErrorReply& error)
{
    std::string text = error.text.empty() ? error.code : error.text;
    if (error.retry_after_ms) {
        text += "; try again in " + std::to_string(*error.retry_after_ms) + " ms";
    }
    return text;
}

}  // namespace jobmill::commands
