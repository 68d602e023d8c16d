// SPDX-License-Identifier: MIT
// Documents of the daemon as text for people.
#pragma once

#include <string>

#include "jobmill/value.hpp"

namespace jobmill::commands {

/// The daemon, its pools and its jobs, in aligned columns.
[[nodiscard]] std::string status_text(const Value& status);

/// How much may run: at all, of each pool, of each label.
[[nodiscard]] std::string shares_text(const Value& shares);

/// A line a handler, by pool.
[[nodiscard]] std::string handlers_text(const Value& handlers);

}  // namespace jobmill::commands
