// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace jobmill::demo {

/// Kills one worker of the daemon that computes at this moment; none when there is none such.
[[nodiscard]] std::optional<pid_t> kill_busy_worker(pid_t daemon);

/// Anonymous memory of a process now, in bytes; 0 when it cannot be known.
[[nodiscard]] std::uint64_t anonymous_memory(pid_t pid);

}  // namespace jobmill::demo
