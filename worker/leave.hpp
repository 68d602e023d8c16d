// SPDX-License-Identifier: MIT
// How a worker ends by itself: never through exit(), whose handlers belong to the template and its
// modules.
#pragma once

#include <string_view>

namespace jobmill {

/// The link said something that cannot be, or another agreement with the daemon was broken.
inline constexpr int exit_protocol = 76;

/// The daemon is gone or wants no more: nothing the worker started stays behind.
[[noreturn]] void leave();

/// The same, after a line on standard error.
[[noreturn]] void leave_broken(std::string_view why);

}  // namespace jobmill
