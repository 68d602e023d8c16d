// SPDX-License-Identifier: MIT
// What a job may change of its process so that the next one would meet it: timers that kill,
// blocked signals, signals that stop or await, the umask and the current directory. A worker takes
// down how they are before its first job, and has them so again after its jobs. All else that a job
// changes, the environment, limits, how nice it is, lasts as long as the worker.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace jobmill {

/// When to restore. It takes some ten system calls, which is more than a tiny job does, so that is
/// done once a millisecond at most: a job that takes longer is always cleared up after.
class RestoreTurns {
public:
    /// A job has ended at that time. True: restore now.
    [[nodiscard]] bool due_after(std::uint64_t now) noexcept;
    /// A job is about to begin. True: restore before, for jobs that ended some time ago.
    [[nodiscard]] bool due_before(std::uint64_t now) noexcept;

private:
    std::uint64_t last_ = 0;  ///< when it was due
    bool owed_ = false;       ///< jobs have run since
};

/// Of this process as it is.
void remember_birth();
/// As it was remembered; nothing when it was not.
void restore_birth() noexcept;

/// Empty: not remembered, or it has no name.
[[nodiscard]] const std::string& birth_directory() noexcept;
[[nodiscard]] std::optional<mode_t> birth_umask() noexcept;

}  // namespace jobmill
