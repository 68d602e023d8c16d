// SPDX-License-Identifier: MIT
#include "client/commands/stack_text.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace jobmill::commands {
namespace {

constexpr std::size_t longest_name = 1024;

/// The worker's own, below which nothing is the job's.
constexpr std::string_view calls_handlers = " jobmill::JobRun::call(";

/// A name may repeat its parts, and these theirs: it comes from a worker, and with more of that it
/// could fill the memory.
constexpr int most_repeats = 24;

bool harmless(std::string_view name)
{
    int repeats = 0;
    for (std::size_t i = 0; i + 1 < name.size(); ++i) {
        // S_, S1_, T_, T0_; St and the like are words of their own.
        const bool refers = name[i + 1] == '_' || (name[i + 1] >= '0' && name[i + 1] <= '9') ||
                            (name[i + 1] >= 'A' && name[i + 1] <= 'Z');
        repeats += (name[i] == 'S' || name[i] == 'T') && refers ? 1 : 0;
    }
    return name.size() <= longest_name && repeats <= most_repeats;
}

struct Free {
    void operator()(char* text) const noexcept { std::free(text); }
};

/// Empty when it is none, or none to be shown.
std::string source_name(std::string_view symbol)
{
    if (!symbol.starts_with("_Z") || !harmless(symbol)) {
        return {};
    }
    const std::string name{symbol};
    int status = 0;
    const std::unique_ptr<char, Free> readable{
        abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status)};
    const std::string_view text = readable ? readable.get() : std::string_view{};
    return text.size() <= longest_name ? std::string{text} : std::string{};
}

}  // namespace

std::string frame_text(std::string_view line)
{
    const std::size_t space = line.find(' ');
    const std::size_t plus = line.rfind("+0x", line.rfind(" ("));
    if (!line.starts_with('#') || plus == std::string_view::npos || plus <= space) {
        return std::string{line};
    }
    const std::size_t begin = space + 1;
    const std::string name = source_name(line.substr(begin, plus - begin));
    if (name.empty()) {
        return std::string{line};
    }
    return std::string{line.substr(0, begin)} + name + std::string{line.substr(plus)};
}

std::vector<std::string> stack_lines(std::string_view stack)
{
    std::vector<std::string> lines;
    bool of_command = false;
    while (!stack.empty()) {
        const std::size_t end = stack.find('\n');
        const std::string_view line = stack.substr(0, end);
        stack.remove_prefix(end == std::string_view::npos ? stack.size() : end + 1);
        const bool is_frame = line.starts_with('#');
        std::string text = frame_text(line);
        if (is_frame && text.find(calls_handlers) != std::string::npos) {
            break;
        }
        of_command = of_command || line.starts_with("command ");
        if (!line.empty() && !(is_frame && of_command)) {
            lines.push_back(std::move(text));
        }
    }
    return lines;
}

}  // namespace jobmill::commands
