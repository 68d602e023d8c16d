// SPDX-License-Identifier: MIT
// The handlers that need no module. They are written against the interface that modules have.
#pragma once

#include <span>
#include <string_view>

#include <jobmill/module.h>

namespace jobmill {

inline constexpr std::string_view builtin_module_name = "built-in";
inline constexpr std::string_view exec_handler_name = "exec";

[[nodiscard]] std::span<const jobmill_handler> builtin_handlers();

}  // namespace jobmill
