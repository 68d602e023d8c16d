// SPDX-License-Identifier: MIT
#include "worker/handlers/command_limits.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <string>
#include <system_error>

namespace jobmill::handlers {
namespace {

/// Processes that others of this user may start while the command runs, at its cost.
constexpr rlim_t neighbours = 256;

std::uint64_t usual_descriptors = 0;

CommandLimit hard(__rlimit_resource resource, rlim_t most)
{
    return {resource, {most, most}};
}

bool is_own(const std::filesystem::path& process)
{
    struct stat status {};
    return ::stat(process.c_str(), &status) == 0 && status.st_uid == ::getuid();
}

/// The links of a directory in /proc count the directories in it.
std::uint64_t tasks_of(const std::filesystem::path& process)
{
    struct stat status {};
    const std::filesystem::path tasks = process / "task";
    return ::stat(tasks.c_str(), &status) == 0 && status.st_nlink > 2 ? status.st_nlink - 2 : 0;
}

}  // namespace

void bound_descriptors(std::uint64_t most) noexcept
{
    usual_descriptors = most;
}

std::vector<CommandLimit> command_limits(const JobLimits& limits)
{
    std::vector<CommandLimit> all;
    // Data, not address space: a runtime that reserves what it never touches is to live.
    if (limits.memory != unlimited) {
        all.push_back(hard(RLIMIT_DATA, limits.memory));
    }
    // Seconds. SIGXCPU at the soft one, SIGKILL at the hard one.
    if (limits.cpu_ms != unlimited) {
        const rlim_t seconds = limits.cpu_ms / 1000 + (limits.cpu_ms % 1000 == 0 ? 0 : 1);
        all.push_back({RLIMIT_CPU, {seconds, seconds + 1}});
    }
    if (limits.file_size != unlimited) {
        all.push_back(hard(RLIMIT_FSIZE, limits.file_size));
    }
    if (limits.open_files != unlimited) {
        all.push_back(hard(RLIMIT_NOFILE, limits.open_files));
    } else if (usual_descriptors != 0) {
        all.push_back({RLIMIT_NOFILE, {usual_descriptors, RLIM_INFINITY}});
    }
    // The kernel counts all that the user runs, so this cannot hold one command to its number. It
    // keeps a bomb from taking the machine where no control group does better.
    if (limits.processes < RLIM_INFINITY / 2) {
        all.push_back(hard(RLIMIT_NPROC, tasks_of_user() + limits.processes + neighbours));
    }
    return all;
}

std::uint64_t tasks_of_user()
{
    std::uint64_t count = 0;
    std::error_code error;
    for (auto entry = std::filesystem::directory_iterator{"/proc", error};
         !error && entry != std::filesystem::directory_iterator{}; entry.increment(error)) {
        const std::string name = entry->path().filename();
        if (name.find_first_not_of("0123456789") == std::string::npos && is_own(entry->path())) {
            count += tasks_of(entry->path());
        }
    }
    return count;
}

}  // namespace jobmill::handlers
