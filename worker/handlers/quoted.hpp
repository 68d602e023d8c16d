// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace jobmill::handlers {

/// Without spaces and line ends around it: payloads often come from echo(1).
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

/// For an error's text: in quotation marks, on one line, cut when it is long.
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace jobmill::handlers
