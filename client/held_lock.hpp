// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

namespace jobmill {

/// Whether a process of this pid namespace has taken the lock (flock) of an open file. The lock is
/// not touched: who takes it at this moment finds it free. False when /proc does not tell.
[[nodiscard]] bool holds_lock(pid_t pid, int file);

}  // namespace jobmill
