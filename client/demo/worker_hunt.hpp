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

/// Peaks of the resident memory of a process and all its living descendants, added up; in bytes.
[[nodiscard]] std::uint64_t peak_memory_of_tree(pid_t root);

/// Kills one child of a process; false when it has none.
bool kill_any_child(pid_t parent);

}  // namespace jobmill::demo
