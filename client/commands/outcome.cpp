// SPDX-License-Identifier: MIT
#include "client/commands/outcome.hpp"

#include <algorithm>

#include "client/commands/stack_text.hpp"
#include "common/exit_code.hpp"
#include "common/signal_name.hpp"
#include "jobmill/cause_kind.hpp"
#include "jobmill/error_code.hpp"

namespace jobmill::commands {
namespace {

/// Of the attempts before the last; a job may have had a thousand.
constexpr std::size_t most_attempts_told = 5;

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

std::string worker_text(const event::JobResult& result)
{
    const bool replaced = result.state == JobState::crashed;
    return number(result.worker) == 0 ? ""
                                      : " (worker " + std::to_string(number(result.worker)) +
                                            (replaced ? ", replaced)" : ")");
}

/// After the job's name, when there is something to say.
std::string what_became_of(const event::JobResult& result)
{
    const Cause& cause = result.cause;
    const std::string ran = " after " + duration_text(result.run_ns) + worker_text(result);
    switch (result.state) {
        case JobState::failed:
            if (cause.kind == cause_kind::signal && cause.limit.empty()) {
                return ": the command died of " + cause_text(cause);
            }
            return " failed: " + cause_text(cause);
        case JobState::crashed:
            return " crashed: " +
                   (cause.kind == cause_kind::exit ? "its worker left with " : std::string{}) +
                   cause_text(cause) + ran;
        case JobState::timed_out:
            return cause.kind == cause_kind::timeout || cause.kind.empty()
                       ? " timed out" + ran
                       : " timed out: " + cause_text(cause) + ran;
        case JobState::expired:
            return " expired: it had not begun after " + duration_text(result.queue_ns);
        case JobState::cancelled:
            return " cancelled" +
                   (cause.kind == cause_kind::cancel || cause.kind.empty()
                        ? ""
                        : ": " + cause_text(cause)) +
                   (cause.was.empty() ? "" : " (was " + cause.was + ")");
        default:
            return " " + state_text(result.state) +
                   (cause.kind.empty() ? "" : ": " + cause_text(cause));
    }
}

/// Each attempt was the last one for a reason, or the job was stopped in the middle of one.
std::string attempts_text(const event::JobResult& result)
{
    if (result.attempt <= 1) {
        return {};
    }
    const std::string count = std::to_string(result.attempt);
    const bool exhausted = result.state == JobState::failed || result.state == JobState::crashed ||
                           result.state == JobState::timed_out;
    return ", attempt " + count + (exhausted ? " of " + count : "");
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

/// The daemon tells the newest ones; the last of them came just before the result's.
void add_attempts(const event::JobResult& result, std::vector<std::string>& lines)
{
    const std::size_t before = std::max<std::uint32_t>(result.attempt, 1) - 1;
    const std::size_t count = std::min({result.attempts.size(), before, most_attempts_told});
    if (count < before && count > 0) {
        lines.push_back("  " + std::to_string(before - count) + " attempts before these");
    }
    for (std::size_t i = count; i > 0; --i) {
        lines.push_back("  " + attempt_text(static_cast<std::uint32_t>(result.attempt - i),
                                            result.attempts[result.attempts.size() - i]));
    }
}

void add_progress(const Cause& cause, std::vector<std::string>& lines)
{
    if (!cause.done && cause.note.empty()) {
        return;
    }
    std::string line = "  last progress:";
    if (cause.done) {
        line += " " + std::to_string(*cause.done);
        line += cause.total.value_or(0) > 0 ? " of " + std::to_string(*cause.total) : "";
    }
    lines.push_back(line + (cause.note.empty() ? "" : " " + cause.note));
}

void add_last_words(const Cause& cause, std::vector<std::string>& lines)
{
    add_lines(cause.last_words, lines);
    if (cause.stderr_shared && !cause.stderr_tail.empty()) {
        lines.emplace_back("  its worker wrote, perhaps for jobs before this one:");
    }
    add_lines(cause.stderr_tail, lines);
}

bool says_enough(const event::JobResult& result)
{
    const Cause& cause = result.cause;
    return result.state == JobState::succeeded ||
           (result.state == JobState::failed && cause.kind == cause_kind::exit &&
            cause.limit.empty() && !cause.out_of_memory && result.attempt <= 1);
}

}  // namespace

int exit_code_of(const event::JobResult& result)
{
    const Cause& cause = result.cause;
    switch (result.state) {
        case JobState::succeeded:
            return exit_code::ok;
        case JobState::failed:
            return cause.signal.empty() ? failure_code(cause) : signal_exit_code(cause);
        case JobState::crashed:
            return signal_exit_code(cause);
        case JobState::timed_out:
        case JobState::expired:
            return exit_code::timed_out;
        case JobState::cancelled:
        case JobState::skipped:
        case JobState::interrupted:
        case JobState::waiting:
        case JobState::queued:
        case JobState::running:
            break;
    }
    return exit_code::job_failed;
}

std::vector<std::string> notices_of(const event::JobResult& result, Detail detail)
{
    std::vector<std::string> lines;
    if (!says_enough(result)) {
        lines.push_back(job_text(result) + what_became_of(result) + attempts_text(result));
        if (result.cause->poison) {
            lines.front() += "; set aside: jobmill retry " + std::to_string(number(result.job));
        }
        if (detail.attempts) {
            add_attempts(result, lines);
        }
        if (detail.background) {
            add_progress(result.cause, lines);
        }
        add_last_words(result.cause, lines);
        if (detail.background) {
            for (const std::string& line : stack_lines(result.cause->stack)) {
                lines.push_back("  " + line);
            }
        }
    }
    if (result.dropped) {
        lines.push_back(job_text(result) + ": its result of " + std::to_string(result.size) +
                        " bytes was too large to hold");
    }
    return lines;
}

std::string notice_of(const event::Retrying& retrying)
{
    const Attempt attempt{
        .state = retrying.state, .worker = retrying.worker, .cause = retrying.cause};
    return "job " + std::to_string(number(retrying.job)) + ": " +
           attempt_text(retrying.attempt, attempt) + "; again in " +
           duration_text(retrying.delay_ns);
}

std::string text_of_error(const ErrorReply& error)
{
    std::string text = error.text.empty() ? error.code : error.text;
    if (error.retry_after_ms) {
        text += "; try again in " + std::to_string(*error.retry_after_ms) + " ms";
    }
    return text;
}

std::string text_of_refusal(const ErrorReply& error)
{
    std::string text = text_of_error(error);
    // If it was nearly right the daemon says what was meant, and of commands why it runs none.
    if (error.code == error_code::unknown_handler && text.ends_with('"')) {
        text += "; a command wants -- before it";
    }
    return text;
}

}  // namespace jobmill::commands
