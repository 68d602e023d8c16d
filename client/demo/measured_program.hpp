// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "jobmill/result.hpp"

namespace jobmill::demo {

struct MeasuredRun {
    struct Line {
        std::string text;
        double seconds = 0;  ///< since `from`
    };

    std::vector<Line> lines;        ///< of its standard output
    std::uint64_t peak_memory = 0;  ///< resident bytes of all its processes, pages counted in each
    int exit_code = -1;             ///< -1: by a signal

    /// The line that begins so.
    [[nodiscard]] const Line* line(const std::string& beginning) const;
};

struct ProgramToMeasure {
    std::vector<std::string> words;
    std::chrono::steady_clock::time_point from;
    pid_t daemon = 0;  ///< whose processes count as the program's; 0: none
    /// Called every few milliseconds with its pid and what it has printed.
    std::function<void(pid_t, const MeasuredRun&)> meanwhile;
};

/// Runs it in a process group of its own until it is gone with all of that group, which it is when
/// an interrupt comes (Errc::closed) or it takes longer than two minutes. Errc::not_found when
/// there is no such program.
[[nodiscard]] Result<MeasuredRun> measure(const ProgramToMeasure& program);

}  // namespace jobmill::demo
