// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace jobmill::daemon {

/// Dotted keys and the names of tables may have so many parts; the deepest that means anything,
/// such as pool.images.environment.HOME, has four.
inline constexpr std::size_t most_key_parts = 16;

struct TextPlace {
    std::size_t line = 1;
    std::size_t column = 1;
};

/// Where the first key of a TOML file goes deeper, if one does. Each part is a table within a
/// table, and the parser, which bounds how deep values are nested, goes through keys by recursion
/// however deep they are: it must not see such a file, or the stack ends. Knows strings and
/// comments, whose dots mean nothing; of all else a file without such a key may be as wrong as it
/// likes.
[[nodiscard]] std::optional<TextPlace> too_deep_key(std::string_view toml);

}  // namespace jobmill::daemon
