// SPDX-License-Identifier: MIT
// A job as a line of sh, as job logs have it, and back.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/commands/common_options.hpp"
#include "jobmill/result.hpp"

namespace jobmill::commands {

/// The words of a command, quoted where sh needs it.
[[nodiscard]] std::string command_text(std::span<const std::string> words);

/// "jobmill run sum -- 100". An item that is too large for a line, or has a NUL in it, is left out,
/// and said to be.
[[nodiscard]] std::string handler_text(const WorkOptions& work, std::string_view item);

/// What a line asks for: a handler's job, if it is one of handler_text(), else a command for sh.
/// Pool, label and options are those of `work`, where it has any.
[[nodiscard]] Result<WorkOptions> work_of(const std::string& text, const WorkOptions& work);

/// The words of a line that has only quotes of the kinds that command_text() makes.
[[nodiscard]] Result<std::vector<std::string>> split_words(std::string_view text);

}  // namespace jobmill::commands
