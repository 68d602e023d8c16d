// SPDX-License-Identifier: MIT
// Where a line stops being JSON. The parser is fast and does not say; this scanner runs only after
// it has refused a line.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace jobmill {

struct JsonFault {
    const char* code;    ///< one of error_code's
    std::size_t offset;  ///< of the first byte that cannot be, or the size of a line cut short
    std::string text;    ///< for people
};

/// None when the line is one JSON value: well-formed as in RFC 8259, UTF-8, nested no deeper than
/// limits::depth, its numbers within 64 bits.
[[nodiscard]] std::optional<JsonFault> find_json_fault(std::string_view line);

}  // namespace jobmill
