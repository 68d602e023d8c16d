// SPDX-License-Identifier: MIT
#include "client/commands/cause_text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

namespace jobmill::commands {
namespace {

struct Phrase {
    std::string_view key;
    std::string_view text;
};

constexpr auto limit_phrases = std::to_array<Phrase>({{"memory", "its memory limit"},
                                                      {"cpu", "its limit of CPU time"},
                                                      {"file_size", "its limit of file sizes"},
                                                      {"open_files", "its limit of open files"},
                                                      {"processes", "its limit of processes"}});

constexpr auto kind_phrases = std::to_array<Phrase>({{"timeout", "it ran too long"},
                                                     {"hang", "it showed no sign of life"},
                                                     {"expired", "it waited too long"},
                                                     {"lost", "its worker was replaced"},
                                                     {"stopping", "the daemon stopped"},
                                                     {"halted", "its batch gave up"},
                                                     {"cancel", "somebody cancelled it"}});

template <std::size_t Size>
std::string phrase_of(const std::array<Phrase, Size>& phrases, std::string_view key)
{
    const auto found = std::find_if(phrases.begin(), phrases.end(),
                                    [&](const Phrase& phrase) { return phrase.key == key; });
    return std::string{found == phrases.end() ? key : found->text};
}

}  // namespace

std::string cause_text(const Cause& cause)
{
    std::string text;
    if (!cause.limit.empty()) {
        text = "over " + phrase_of(limit_phrases, cause.limit);
    } else if (cause.kind == "signal") {
        text = cause.signal;
    } else if (cause.kind == "exit") {
        text = "exit code " + std::to_string(cause.exit_code.value_or(0));
    } else if (!cause.text.empty()) {
        text = cause.text;
    } else {
        text = phrase_of(kind_phrases, cause.kind);
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
    if (attempt.state != JobState::timed_out || attempt.cause.kind != "timeout") {
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
