// SPDX-License-Identifier: MIT
#include "daemon/memory_budget.hpp"

#include <algorithm>

#include "common/take_until.hpp"
#include "daemon/cgroup_place.hpp"
#include "daemon/kernel_files.hpp"
#include "jobmill/job_options.hpp"

namespace jobmill::daemon {
namespace {

/// Where version 2 has a group's files, or version 1 those for memory; empty: this is of no
/// account.
std::string tree_of(std::string_view controllers, const std::string& mount)
{
    if (controllers.empty()) {
        return mount;
    }
    while (!controllers.empty()) {
        if (take_until(controllers, ',') == "memory") {
            return mount + "/memory";
        }
    }
    return {};
}

/// Of one group, in either version.
std::uint64_t limit_of(const std::string& directory)
{
    std::uint64_t least = unlimited;
    for (const char* const file : {"/memory.max", "/memory.high", "/memory.limit_in_bytes"}) {
        least = std::min(least, kernel_number(directory + file).value_or(unlimited));
    }
    return least;
}

}  // namespace

std::uint64_t memory_within(std::string_view meminfo, std::string_view proc_cgroup,
                            const std::string& mount)
{
    constexpr std::uint64_t unit = 1024;
    std::uint64_t least = unlimited;
    if (const auto total = number_after(meminfo, "MemTotal:"); total && *total < least / unit) {
        least = *total * unit;
    }
    while (!proc_cgroup.empty()) {
        std::string_view line = take_until(proc_cgroup, '\n');
        (void)take_until(line, ':');
        const std::string tree = tree_of(take_until(line, ':'), mount);
        if (!tree.empty()) {
            for (const std::string& group : group_and_above(std::string{line})) {
                least = std::min(least, limit_of(tree + group));
            }
        }
    }
    return least;
}

std::uint64_t usable_memory()
{
    const auto content = [](const char* file) {
        return read_kernel_file(file).value_or(std::string{});
    };
    return memory_within(content("/proc/meminfo"), content("/proc/self/cgroup"), "/sys/fs/cgroup");
}

std::uint64_t payload_share(std::uint64_t memory)
{
    constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;
    constexpr std::uint64_t most = std::uint64_t{8} << 30U;
    return std::clamp(memory / 2 / mebibyte * mebibyte, mebibyte, most);
}

}  // namespace jobmill::daemon
