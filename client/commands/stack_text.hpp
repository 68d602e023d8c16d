// SPDX-License-Identifier: MIT
// Where a job was, for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace jobmill::commands {

/// A line of a stack as PROTOCOL.md has it, the C++ name in it as it is in the source. Whatever is
/// no such line, or has a name that would be longer than anybody reads, stays as it is.
[[nodiscard]] std::string frame_text(std::string_view line);

/// What tells people where the job was: without the frames of the worker that has called its
/// handler, and without any where a command ran, for which the handler just waits.
[[nodiscard]] std::vector<std::string> stack_lines(std::string_view stack);

}  // namespace jobmill::commands
