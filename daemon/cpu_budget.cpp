// SPDX-License-Identifier: MIT
#include "daemon/cpu_budget.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "daemon/cgroup_place.hpp"
#include "daemon/kernel_files.hpp"

namespace jobmill::daemon {
namespace {

std::string content(const std::string& path)
{
    return read_kernel_file(path).value_or(std::string{});
}

std::optional<double> tighter(std::optional<double> one, std::optional<double> other)
{
    if (one && other) {
        return std::min(*one, *other);
    }
    return one ? one : other;
}

}  // namespace

std::optional<double> quota_v2(std::string_view cpu_max)
{
    std::istringstream words{std::string{cpu_max}};
    double quota = 0;
    double period = 0;
    if (words >> quota >> period && quota > 0 && period > 0) {
        return quota / period;
    }
    return {};
}

std::optional<double> quota_v1(std::string_view quota_us, std::string_view period_us)
{
    return quota_v2(std::string{quota_us} + " " + std::string{period_us});
}

std::optional<double> cgroup_quota(std::string_view proc_cgroup, const std::string& mount)
{
    std::istringstream lines{std::string{proc_cgroup}};
    std::string line;
    std::optional<double> quota;
    while (std::getline(lines, line)) {
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (second == std::string::npos) {
            continue;
        }
        const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
        const std::string group = line.substr(second + 1);
        if (controllers == ",,") {
            for (const std::string& each : group_and_above(group)) {
                std::string file = mount;
                file.append(each).append("/cpu.max");
                quota = tighter(quota, quota_v2(content(file)));
            }
        } else if (controllers.find(",cpu,") != std::string::npos) {
            for (const std::string& each : group_and_above(group)) {
                std::string directory = mount;
                directory.append("/cpu").append(each);
                quota = tighter(quota, quota_v1(content(directory + "/cpu.cfs_quota_us"),
                                                content(directory + "/cpu.cfs_period_us")));
            }
        }
    }
    return quota;
}

std::uint32_t cores_within(int affinity, std::optional<double> quota)
{
    const double cores = quota ? std::min<double>(affinity, std::ceil(*quota)) : affinity;
    return std::max<std::uint32_t>(1, static_cast<std::uint32_t>(cores));
}

std::uint32_t usable_cores()
{
    cpu_set_t set;
    CPU_ZERO(&set);
    const int affinity = ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return cores_within(affinity, cgroup_quota(content("/proc/self/cgroup"), "/sys/fs/cgroup"));
}

}  // namespace jobmill::daemon
