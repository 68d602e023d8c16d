// SPDX-License-Identifier: MIT
// How much memory this process may have: the machine's, or what its control groups leave of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace jobmill::daemon {

/// The least that is said by `meminfo`, the text of /proc/meminfo, and by the groups from the ones
/// that `proc_cgroup` (the text of /proc/self/cgroup) names up to the root, in the file systems
/// mounted at `mount`. Unlimited when nobody tells.
[[nodiscard]] std::uint64_t memory_within(std::string_view meminfo, std::string_view proc_cgroup,
                                          const std::string& mount);
[[nodiscard]] std::uint64_t usable_memory();

/// So much of it may be payloads unless somebody says more: half, in whole MiB, and 8 GiB at most.
/// Large ones are nobody's when it runs out: what is killed for them is a process that has none.
[[nodiscard]] std::uint64_t payload_share(std::uint64_t memory);

}  // namespace jobmill::daemon
