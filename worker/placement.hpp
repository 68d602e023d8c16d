// SPDX-License-Identifier: MIT
// Where and how urgently a process runs. Async-signal-safe: a command is placed between its birth
// and its program. Neither can be taken back by a process without privileges.
#pragma once

#include <cstdint>

namespace jobmill {

/// Only CPUs whose bit is set; 0: as it is. 0, or the error number: EINVAL when none is there.
[[nodiscard]] int keep_to_cpus(std::uint64_t cpus) noexcept;

/// At least so nice.
void be_nice(int level) noexcept;

}  // namespace jobmill
