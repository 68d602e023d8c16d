// SPDX-License-Identifier: MIT
// How many cores this process may use: its affinity, and the quota of its control group.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jobmill::daemon {

/// Cores by the content of a cgroup v2 `cpu.max` ("200000 100000"); none when unlimited.
[[nodiscard]] std::optional<double> quota_v2(std::string_view cpu_max);
/// The same for cgroup v1: `cpu.cfs_quota_us` and `cpu.cfs_period_us`.
[[nodiscard]] std::optional<double> quota_v1(std::string_view quota_us, std::string_view period_us);

/// The tightest quota from the group that `proc_cgroup` (the text of /proc/self/cgroup) names, up
/// to the root, in the file system mounted at `mount`.
[[nodiscard]] std::optional<double> cgroup_quota(std::string_view proc_cgroup,
                                                 const std::string& mount);

/// As many as the affinity and the quota allow, a part of a core counting as a whole one; at
/// least 1.
[[nodiscard]] std::uint32_t cores_within(int affinity, std::optional<double> quota);
[[nodiscard]] std::uint32_t usable_cores();

}  // namespace jobmill::daemon
