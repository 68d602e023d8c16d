// SPDX-License-Identifier: MIT
#include "client/commands/progress_bar.hpp"

#include <sys/ioctl.h>

#include <algorithm>

#include "client/commands/output.hpp"

namespace jobmill::commands {
namespace {

constexpr std::uint64_t width = 24;
constexpr std::size_t usual_columns = 80;
constexpr std::chrono::milliseconds shortest_pause{100};

/// Of the terminal, which may be another size than a moment ago.
std::size_t columns()
{
    winsize size{};
    return ::ioctl(standard_error, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                              : usual_columns;
}

}  // namespace

ProgressBar::ProgressBar(bool wanted) : shown_(wanted && is_terminal_fd(standard_error)) {}

std::string bar_text(std::uint64_t done, std::uint64_t total)
{
    if (total == 0) {
        return std::to_string(done);
    }
    const std::uint64_t filled = std::min(done, total) * width / total;
    return "[" + std::string(filled, '#') + std::string(width - filled, ' ') + "] " +
           std::to_string(done) + "/" + std::to_string(total);
}

void ProgressBar::draw(std::string_view name, std::uint64_t done, std::uint64_t total,
                       std::string_view note)
{
    const auto now = std::chrono::steady_clock::now();
    const bool news = total != total_ || (total > 0 && done >= total);
    if (!shown_ || output_waits() || (drawn_ && now - last_ < shortest_pause && !news)) {
        return;
    }
    std::string line =
        std::string{name} + bar_text(done, total) + (note.empty() ? "" : "  " + std::string{note});
    // A line that wraps would stay when the next is drawn.
    line.resize(std::min(line.size(), columns() - 1));
    (void)write_all(standard_error, bytes_of("\r\x1b[K" + line));
    drawn_ = true;
    total_ = total;
    last_ = now;
}

void ProgressBar::clear()
{
    if (drawn_) {
        (void)write_all(standard_error, bytes_of("\r\x1b[K"));
        drawn_ = false;
    }
}

}  // namespace jobmill::commands
