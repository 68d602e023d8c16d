// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "jobmill/event.hpp"

namespace jobmill::commands {

/// The event as the daemon would spell it, with a newline.
[[nodiscard]] Bytes json_line(const ClientEvent& event, std::string_view id);

/// That line on standard output. False when it cannot be written.
[[nodiscard]] bool print_json(const ClientEvent& event, std::string_view id);

}  // namespace jobmill::commands
