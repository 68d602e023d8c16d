// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace jobmill {

/// "SIGSEGV"; "SIGRTMIN+3"; "signal 99" for a number that has no name.
[[nodiscard]] std::string signal_name(int signal_number);

/// The number behind such a name, or 0.
[[nodiscard]] int signal_number(const std::string& name);

}  // namespace jobmill
