// SPDX-License-Identifier: MIT
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <string>

#include "daemon/cgroups.hpp"
#include "tests/unit/daemon/temp_directory.hpp"

namespace jobmill::tests {

inline constexpr auto every_controller = "cpuset cpu io memory pids\n";

/// A tree in which the daemon has the group /ours to itself.
struct FakeCgroupTree {
    FakeCgroupTree()
    {
        files.write("cgroup.controllers", every_controller);
        fill("ours");
        files.write("ours/cgroup.procs", std::to_string(::getpid()) + "\n");
    }

    /// What the kernel puts into a group when it is made.
    void fill(const std::string& group) const
    {
        for (const auto& [name, content] :
             std::initializer_list<std::pair<const char*, const char*>>{
                 {"cgroup.type", "domain\n"},
                 {"cgroup.procs", ""},
                 {"cgroup.controllers", every_controller},
                 {"cgroup.subtree_control", ""},
                 {"cgroup.kill", ""},
                 {"memory.max", "max\n"},
                 {"memory.oom.group", "0\n"},
                 {"memory.swap.max", "max\n"},
                 {"pids.max", "max\n"}}) {
            files.write(group + "/" + name, content);
        }
    }

    /// As the kernel does: not while a process is in it, or another group.
    [[nodiscard]] int remove(const std::string& directory) const
    {
        for (const auto& entry : std::filesystem::directory_iterator{directory}) {
            if (entry.is_directory()) {
                errno = EBUSY;
                return -1;
            }
        }
        if (busy.has_value() && directory.find(*busy) != std::string::npos) {
            errno = EBUSY;
            return -1;
        }
        std::filesystem::remove_all(directory);
        return 0;
    }

    [[nodiscard]] daemon::CgroupTree tree()
    {
        return {.place = daemon::CgroupPlace{.mount = files.path(), .group = "/ours"},
                .make =
                    [this](const std::string& directory) {
                        if (::mkdir(directory.c_str(), 0755) != 0) {
                            return -1;
                        }
                        fill(directory.substr(files.path().size() + 1));
                        return 0;
                    },
                .remove = [this](const std::string& directory) { return remove(directory); }};
    }

    [[nodiscard]] daemon::Cgroups open(daemon::CgroupNeeds needs = {})
    {
        return daemon::Cgroups::open(tree(), needs);
    }
    [[nodiscard]] bool has(const std::string& path) const
    {
        return std::filesystem::exists(files / path);
    }
    [[nodiscard]] std::string here() const { return files / "ours"; }

    TempDirectory files;
    std::optional<std::string> busy;  ///< a group of this name cannot be removed
};

}  // namespace jobmill::tests
