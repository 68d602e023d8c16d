// SPDX-License-Identifier: MIT
// What jobmill itself has to say goes to standard error, a line each, so that standard output is
// data only.
#pragma once

#include <string_view>

#include "jobmill/result.hpp"

namespace jobmill::commands {

/// "jobmill: <text>". Control characters of the text are escaped.
void notice(std::string_view text);

/// Says it, a notice a line, and answers the exit code of jobmill's own failures.
[[nodiscard]] int failed(const Error& error);

/// Says it, and answers the exit code of a command line that makes no sense.
[[nodiscard]] int misused(const Error& error);

}  // namespace jobmill::commands
