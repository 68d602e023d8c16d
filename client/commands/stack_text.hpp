// SPDX-License-Identifier: MIT
// Where a job was, for people.
#pragma once

#include <string>
#include <string_view>

namespace jobmill::commands {

/// A line of a stack as PROTOCOL.md has it, the C++ name in it as it is in the source. Whatever is
/// no such line, or has a name that would be longer than anybody reads, stays as it is.
[[nodiscard]] std::string frame_text(std::string_view line);

}  // namespace jobmill::commands
