// SPDX-License-Identifier: MIT
#include "daemon/cgroup_place.hpp"

#include "common/mountinfo.hpp"
#include "common/take_until.hpp"
#include "daemon/kernel_files.hpp"

namespace jobmill::daemon {
namespace {

/// Ours in the tree of version 2, from the line "0::GROUP".
std::optional<std::string> own_group(std::string_view proc_cgroup)
{
    while (!proc_cgroup.empty()) {
        std::string_view line = take_until(proc_cgroup, '\n');
        // One that was removed under us, or that lies outside of what we see, is of no use.
        if (line.starts_with("0::/") && !line.ends_with(" (deleted)") &&
            !line.starts_with("0::/..")) {
            line.remove_prefix(3);
            return std::string{line == "/" ? "" : line};
        }
    }
    return {};
}

}  // namespace

std::optional<CgroupPlace> cgroup_place(std::string_view proc_cgroup, std::string_view mountinfo)
{
    const auto group = own_group(proc_cgroup);
    if (!group) {
        return {};
    }
    while (!mountinfo.empty()) {
        const Mount mount = take_mount(mountinfo);
        if (mount.type != "cgroup2" || mount.point.find('\\') != std::string_view::npos) {
            continue;
        }
        const std::string_view root = mount.root == "/" ? "" : mount.root;
        const std::string_view below =
            std::string_view{*group}.substr(group->starts_with(root) ? root.size() : group->size());
        if (group->starts_with(root) && (below.empty() || below.front() == '/')) {
            return CgroupPlace{.mount = std::string{mount.point}, .group = std::string{below}};
        }
    }
    return {};
}

std::optional<CgroupPlace> own_cgroup_place()
{
    const auto group = read_kernel_file("/proc/self/cgroup");
    return group ? cgroup_place(*group, read_mountinfo()) : std::nullopt;
}

std::vector<std::string> group_and_above(std::string group)
{
    std::vector<std::string> groups;
    while (group.size() > 1) {
        groups.push_back(group);
        group.erase(group.rfind('/'));
    }
    groups.emplace_back();
    return groups;
}

}  // namespace jobmill::daemon
