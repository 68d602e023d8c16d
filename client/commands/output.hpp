// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "jobmill/bytes.hpp"

namespace jobmill::commands {

inline constexpr int standard_input = 0;
inline constexpr int standard_output = 1;
inline constexpr int standard_error = 2;

/// False when nobody reads any more, or the bytes cannot be written (said as a notice), or an
/// interrupt came meanwhile.
[[nodiscard]] bool write_all(int fd, ByteView bytes);

[[nodiscard]] bool is_terminal_fd(int fd);

/// Whether the reader of standard output has left.
[[nodiscard]] bool output_is_gone();

}  // namespace jobmill::commands
