// SPDX-License-Identifier: MIT
// What an ended job means to a shell: an exit code, and a sentence.
#pragma once

#include <string>
#include <vector>

#include "jobmill/event.hpp"

namespace jobmill::commands {

/// As a shell would say it of a command: its own exit code, 126 or 127 when it could not be
/// started, 128+N for signal N; 1 for any other failure.
[[nodiscard]] int exit_code_of(const event::JobResult& result);

/// Lines for standard error, without "jobmill: "; the first says what became of the job, others
/// are the end of its worker's standard error. Empty when it succeeded, or when a command's own
/// exit code says it all.
[[nodiscard]] std::vector<std::string> notices_of(const event::JobResult& result);

/// "no handler \"sun\" in pool \"default\"; did you mean \"sum\"?"
[[nodiscard]] std::string text_of_error(const ErrorReply& error);

/// "12 ms", "1.3 s", "4 min", "3 h"
[[nodiscard]] std::string duration_text(std::uint64_t nanoseconds);

}  // namespace jobmill::commands
