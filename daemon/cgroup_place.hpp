// SPDX-License-Identifier: MIT
// Where this process is in the tree of control groups.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jobmill::daemon {

/// A group of cgroup v2, the one tree with all controllers.
struct CgroupPlace {
    std::string mount;  ///< "/sys/fs/cgroup"
    std::string group;  ///< "/system.slice/jobmilld.service"; empty at the top of what is mounted

    [[nodiscard]] std::string directory() const { return mount + group; }

    friend bool operator==(const CgroupPlace&, const CgroupPlace&) = default;
};

/// `proc_cgroup` is the text of /proc/self/cgroup, `mountinfo` that of /proc/self/mountinfo. None
/// when there is no cgroup v2, or none that shows our group.
[[nodiscard]] std::optional<CgroupPlace> cgroup_place(std::string_view proc_cgroup,
                                                      std::string_view mountinfo);
[[nodiscard]] std::optional<CgroupPlace> own_cgroup_place();

/// "/a/b" and all above it, down to the empty root.
[[nodiscard]] std::vector<std::string> group_and_above(std::string group);

}  // namespace jobmill::daemon
