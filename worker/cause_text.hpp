// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace jobmill {

/// A text that fits a cause: UTF-8, and cut between characters at limits::cause_text bytes.
[[nodiscard]] std::string cause_text(std::string_view text);

}  // namespace jobmill
