// SPDX-License-Identifier: MIT
// Where and how urgently a process runs. Async-signal-safe: a command is placed between its birth
// and its program. CPUs and niceness cannot be taken back by a process without privileges.
#pragma once

#include <cstdint>

namespace jobmill {

/// Only CPUs whose bit is set; 0: as it is. 0, or the error number: EINVAL when none is there.
[[nodiscard]] int keep_to_cpus(std::uint64_t cpus) noexcept;

/// At least so nice.
void be_nice(int level) noexcept;

/// SCHED_BATCH with long turns, and its children with it, in place of the ordinary policy;
/// somebody's choice of another one stays. When it becomes runnable, it does not take the CPU from
/// who is running; and who has shorter turns, as the daemon and clients have, takes it from this
/// one when there is something to do, not at the end of a turn (Linux 6.12 and later).
void use_batch_scheduling() noexcept;

}  // namespace jobmill
