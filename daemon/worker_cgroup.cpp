// SPDX-License-Identifier: MIT
#include "daemon/worker_cgroup.hpp"

#include <unistd.h>

#include <algorithm>

#include "daemon/kernel_files.hpp"

namespace jobmill::daemon {
namespace {

/// For a worker to receive a job and begin it.
constexpr std::uint64_t room_to_begin = std::uint64_t{4} << 20;

std::string bound_text(std::uint64_t bound)
{
    return bound == unlimited ? "max" : std::to_string(bound);
}

/// Of a file that older kernels do not have.
Result<void> write_if_there(const std::string& path, std::string_view text)
{
    return ::access(path.c_str(), F_OK) == 0 ? write_kernel_file(path, text) : Result<void>{};
}

}  // namespace

Result<void> WorkerCgroup::put(pid_t pid) const
{
    return write_kernel_file(file("cgroup.procs"), std::to_string(pid));
}

Result<void> WorkerCgroup::limit(const JobLimits& limits)
{
    if (limits.memory != memory_) {
        JOBMILL_TRY(limit_memory(limits.memory));
        memory_ = limits.memory;
    }
    if (limits.processes != processes_) {
        JOBMILL_TRY(limit_processes(limits.processes));
        processes_ = limits.processes;
    }
    return {};
}

Result<void> WorkerCgroup::limit_memory(std::uint64_t bytes) const
{
    // A job that is bounded must not escape into swap, nor live on without some of its processes.
    const bool bounded = bytes != unlimited;
    JOBMILL_TRY(write_if_there(file("memory.oom.group"), bounded ? "1" : "0"));
    JOBMILL_TRY(write_if_there(file("memory.swap.max"), bounded ? "0" : "max"));
    if (!bounded) {
        return write_kernel_file(file("memory.max"), "max");
    }
    // Not all that is counted: files that are cached go when others need the room.
    const auto stat = read_kernel_file(file("memory.stat"));
    const std::uint64_t own = stat ? number_after(*stat, "anon").value_or(0) + room_to_begin : 0;
    return write_kernel_file(file("memory.max"), std::to_string(std::max(bytes, own)));
}

Result<void> WorkerCgroup::limit_processes(std::uint64_t processes) const
{
    return write_kernel_file(file("pids.max"),
                             bound_text(processes == unlimited ? unlimited : processes + 1));
}

Result<void> WorkerCgroup::kill() const
{
    return write_kernel_file(file("cgroup.kill"), "1");
}

CgroupReading WorkerCgroup::read() const
{
    CgroupReading reading;
    reading.memory_peak = kernel_number(file("memory.peak"));
    if (const auto stat = read_kernel_file(file("cpu.stat"))) {
        constexpr std::uint64_t unit = 1000;
        const auto microseconds = number_after(*stat, "usage_usec");
        if (microseconds && *microseconds <= UINT64_MAX / unit) {
            reading.cpu_ns = *microseconds * unit;
        }
    }
    reading.oom_kills = oom_kills();
    return reading;
}

std::uint64_t WorkerCgroup::oom_kills() const
{
    const auto events = read_kernel_file(file("memory.events"));
    return events ? number_after(*events, "oom_kill").value_or(0) : 0;
}

}  // namespace jobmill::daemon
