// SPDX-License-Identifier: MIT
#include "client/commands/cause_text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "jobmill/cause_kind.hpp"

namespace jobmill::commands {
namespace {

template <typename Table>
std::string phrase_of(const Table& table, std::string_view name)
{
    const auto* row = row_of(table, name);
    return std::string{row == nullptr ? name : row->phrase};
}

}  // namespace

std::string cause_text(const Cause& cause)
{
    std::string text;
    if (!cause.limit.empty()) {
        text = "over " + phrase_of(limit_names, cause.limit);
    } else if (cause.kind == cause_kind::signal) {
        text = cause.signal;
    } else if (cause.kind == cause_kind::exit) {
        text = "exit code " + std::to_string(cause.exit_code.value_or(0));
    } else if (!cause.text.empty()) {
        text = cause.text;
    } else {
        text = phrase_of(cause_kinds, cause.kind);
    }
    if (cause.out_of_memory && cause.limit.empty()) {
        text += ", for want of memory";
    }
    if (cause.core_dumped) {
        text += ", core dumped";
    }
    return text.empty() ? "nobody knows why" : text;
}

std::string state_text(JobState state)
{
    std::string text{name_of(state)};
    std::replace(text.begin(), text.end(), '_', ' ');
    return text;
}

std::string attempt_text(std::uint32_t attempt_number, const Attempt& attempt)
{
    std::string text =
        "attempt " + std::to_string(attempt_number) + " " + state_text(attempt.state);
    if (attempt.state != JobState::timed_out || attempt.cause.kind != cause_kind::timeout) {
        text += ": " + cause_text(attempt.cause);
    }
    if (attempt.run_ns > 0) {
        text += " after " + duration_text(attempt.run_ns);
    }
    if (number(attempt.worker) != 0) {
        text += " (worker " + std::to_string(number(attempt.worker)) + ")";
    }
    return text;
}

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

std::string age_text(double milliseconds)
{
    constexpr double most = 1e12;
    const double sane = milliseconds > 0 ? std::min(milliseconds, most) : 0;
    std::string text = duration_text(static_cast<std::uint64_t>(sane * 1e6));
    std::erase(text, ' ');
    return text;
}

}  // namespace jobmill::commands
