// SPDX-License-Identifier: MIT
// Why a job, or an attempt at it, did not succeed: for people.
#pragma once

#include <cstdint>
#include <string>

#include "jobmill/job_state.hpp"

namespace jobmill::commands {

/// "SIGSEGV, core dumped", "over its memory limit", "exit code 3"; never empty.
[[nodiscard]] std::string cause_text(const Cause& cause);

/// "crashed", "timed out"
[[nodiscard]] std::string state_text(JobState state);

/// "attempt 1 crashed: SIGSEGV after 12 ms (worker 2)"
[[nodiscard]] std::string attempt_text(std::uint32_t attempt_number, const Attempt& attempt);

/// "12 ms", "1.3 s", "4 min", "3 h"
[[nodiscard]] std::string duration_text(std::uint64_t nanoseconds);

/// "12ms": a word, for a table. Of whatever the daemon says that it is.
[[nodiscard]] std::string age_text(double milliseconds);

}  // namespace jobmill::commands
