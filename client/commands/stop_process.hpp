// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>

#include "client/socket_holder.hpp"
#include "jobmill/result.hpp"

namespace jobmill::commands {

/// SIGTERM, then waits until the process is gone. False when it is not in time, or an interrupt
/// comes.
[[nodiscard]] Result<bool> stop_process(const FoundDaemon& daemon,
                                        std::chrono::milliseconds patience);

}  // namespace jobmill::commands
