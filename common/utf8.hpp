// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace jobmill {

/// Well-formed UTF-8 as in RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool valid_utf8(std::string_view text) noexcept;

/// The same text with every malformed byte replaced by U+FFFD.
[[nodiscard]] std::string to_valid_utf8(std::string_view text);

/// One line that is safe on a terminal and in a log: control characters become \n, \t or \xNN.
[[nodiscard]] std::string escaped(std::string_view text);

}  // namespace jobmill
