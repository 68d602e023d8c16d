// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "jobmill/result.hpp"

namespace jobmill {

struct ProgramOutput {
    int exit_code = 0;  ///< 128 + N: died of signal N
    std::string out;    ///< both: at most 64 KiB
    std::string err;
};

/// Runs a program out of $PATH without input, and reads what it says. It is killed when it takes
/// longer than `patience`. Errc::not_found when there is no such program.
[[nodiscard]] Result<ProgramOutput> run_bounded(std::vector<std::string> words,
                                                std::chrono::milliseconds patience);

}  // namespace jobmill
