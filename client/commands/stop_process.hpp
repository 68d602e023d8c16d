// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <chrono>

#include "jobmill/result.hpp"

namespace jobmill::commands {

/// SIGTERM, then waits until the process is gone. False when it is not in time, or an interrupt
/// comes.
[[nodiscard]] Result<bool> stop_process(pid_t pid, std::chrono::milliseconds patience);

}  // namespace jobmill::commands
