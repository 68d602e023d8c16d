// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace jobmill {

/// Well-formed UTF-8 as in RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool valid_utf8(std::string_view text) noexcept;

/// Bytes of the longest beginning that is well-formed.
[[nodiscard]] std::size_t valid_utf8_prefix(std::string_view text) noexcept;

/// The longest beginning of at most `size` bytes that does not cut a character of `text` in two.
[[nodiscard]] std::string_view utf8_head(std::string_view text, std::size_t size) noexcept;

/// The same text with every malformed byte replaced by U+FFFD.
[[nodiscard]] std::string to_valid_utf8(std::string_view text);

/// At most `size` bytes of a text from elsewhere, its beginning or its end, as UTF-8.
[[nodiscard]] std::string utf8_cut(std::string_view text, std::size_t size);
[[nodiscard]] std::string utf8_cut_front(std::string_view text, std::size_t size);

/// One line that is safe on a terminal and in a log: control characters become \n, \t or \xNN.
[[nodiscard]] std::string escaped(std::string_view text);

}  // namespace jobmill
