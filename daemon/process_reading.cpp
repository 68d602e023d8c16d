// SPDX-License-Identifier: MIT
#include "daemon/process_reading.hpp"

#include <algorithm>
#include <ctime>

#include "common/take_until.hpp"
#include "daemon/kernel_files.hpp"

namespace jobmill::daemon {
namespace {

std::string file_of(pid_t pid, const std::string& proc, std::string_view name)
{
    std::string path = proc;
    return path.append("/").append(std::to_string(pid)).append("/").append(name);
}

}  // namespace

std::optional<std::uint64_t> unshared_size(pid_t pid, const std::string& proc)
{
    const auto text = read_kernel_file(file_of(pid, proc, "status"));
    const auto resident = text ? number_after(*text, "VmRSS:") : std::nullopt;
    const auto shared = text ? number_after(*text, "RssShmem:") : std::nullopt;
    if (!resident || !shared || *resident > UINT64_MAX / 1024) {
        return {};
    }
    return (*resident - std::min(*resident, *shared)) * 1024;
}

std::optional<std::uint64_t> peak_resident_size(pid_t pid, const std::string& proc)
{
    const auto text = read_kernel_file(file_of(pid, proc, "status"));
    const auto kibibytes = text ? number_after(*text, "VmHWM:") : std::nullopt;
    if (!kibibytes || *kibibytes > UINT64_MAX / 1024) {
        return {};
    }
    return *kibibytes * 1024;
}

std::optional<std::uint64_t> cpu_time(pid_t pid)
{
    clockid_t clock{};
    timespec time{};
    // 0 and less would be ourselves, or nobody.
    if (pid <= 0 || ::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0) {
        return {};
    }
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(time.tv_nsec);
}

std::optional<char> process_state(pid_t pid, const std::string& proc)
{
    // "PID (NAME) STATE ...", where the name may hold anything.
    const auto text = read_kernel_file(file_of(pid, proc, "stat"));
    const std::size_t at = text ? text->rfind(") ") : std::string::npos;
    if (at == std::string::npos || at + 3 >= text->size() || (*text)[at + 3] != ' ') {
        return {};
    }
    return (*text)[at + 2];
}

std::string_view stuck_text(char state)
{
    switch (state) {
        case 'D':
            return "waits in the kernel and cannot be killed";
        case 'T':
            return "stopped";
        case 't':
            return "traced";
        case 'Z':
        case 'X':
            return "dead";
        default:
            return {};
    }
}

}  // namespace jobmill::daemon
