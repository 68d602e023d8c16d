// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "common/job_limits.hpp"
#include "jobmill/result.hpp"

namespace jobmill::daemon {

/// What a control group tells of all that is or was in it. What the kernel does not tell is absent.
struct CgroupReading {
    std::optional<std::uint64_t> memory_peak;  ///< bytes, the most there ever was
    std::optional<std::uint64_t> cpu_ns;
    std::uint64_t oom_kills = 0;  ///< processes that the kernel killed for want of memory
};

/// The control group of one worker and of everything that it starts. A worker has the rights to
/// change it, as its user is the daemon's: it is there against accidents, not against malice.
class WorkerCgroup {
public:
    /// Of a directory that exists; Cgroups makes it.
    explicit WorkerCgroup(std::string directory) : directory_(std::move(directory)) {}

    [[nodiscard]] const std::string& directory() const noexcept { return directory_; }

    /// It, and what it starts from now on. Best before it has done anything: memory that it has
    /// stays with the group that it came from.
    [[nodiscard]] Result<void> put(pid_t pid) const;

    /// Takes the bounds of memory and processes; costs nothing when they are as before. The
    /// worker's own memory counts, and what is beyond a lower bound makes the kernel kill at once;
    /// when it does, it kills all. The bound is therefore never below what the worker has and needs
    /// to begin: else a job would cost one worker after another without ever running. For processes
    /// the worker comes on top.
    [[nodiscard]] Result<void> limit(const JobLimits& limits);

    /// SIGKILL to all at once, however they have forked.
    [[nodiscard]] Result<void> kill() const;

    [[nodiscard]] CgroupReading read() const;
    /// That of the reading alone.
    [[nodiscard]] std::uint64_t oom_kills() const;

private:
    [[nodiscard]] Result<void> limit_memory(std::uint64_t bytes) const;
    [[nodiscard]] Result<void> limit_processes(std::uint64_t processes) const;
    [[nodiscard]] std::string file(const char* name) const { return directory_ + "/" + name; }

    std::string directory_;
    std::uint64_t memory_ = unlimited;
    std::uint64_t processes_ = unlimited;
};

}  // namespace jobmill::daemon
