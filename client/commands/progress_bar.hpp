// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace jobmill::commands {

/// One line on standard error that is drawn again and again; nothing unless that is a terminal.
class ProgressBar {
public:
    explicit ProgressBar(bool wanted);
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;
    ~ProgressBar() { clear(); }

    [[nodiscard]] bool shown() const noexcept { return shown_; }

    /// At most ten times a second, and when the total becomes known or all is done. `total` 0:
    /// unknown. `note` comes last.
    void draw(std::string_view name, std::uint64_t done, std::uint64_t total,
              std::string_view note = {});
    /// Takes the line away, so that something else can be printed.
    void clear();

private:
    bool shown_;
    bool drawn_ = false;
    std::uint64_t total_ = 0;  ///< as drawn
    std::chrono::steady_clock::time_point last_{};
};

/// "[####    ] 12/24"
[[nodiscard]] std::string bar_text(std::uint64_t done, std::uint64_t total);

}  // namespace jobmill::commands
