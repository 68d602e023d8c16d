// SPDX-License-Identifier: MIT
#pragma once

#include "client/commands/common_options.hpp"
#include "jobmill/client.hpp"

namespace jobmill::commands {

/// Judges the words as the daemon would. Borrows from them.
[[nodiscard]] Result<Adjustment> parse_adjustment(const SetOptions& words);

}  // namespace jobmill::commands
