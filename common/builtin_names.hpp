// SPDX-License-Identifier: MIT
// Names by which the daemon knows what its workers bring along.
#pragma once

#include <string_view>

namespace jobmill {

/// What stands for the module of a handler that needs none.
inline constexpr std::string_view builtin_module_name = "built-in";
inline constexpr std::string_view exec_handler_name = "exec";

}  // namespace jobmill
