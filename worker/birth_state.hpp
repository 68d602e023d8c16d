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

/// When to restore. It takes some ten system calls, which is more than a tiny job does, so a row of
/// them is cleared up after once in 4 ms, and in its pauses. One of a millisecond or more always
/// is. Times are CLOCK_MONOTONIC in ns.
class RestoreTurns {
public:
    /// A job has ended. True: restore now.
    [[nodiscard]] bool due_after(std::uint64_t start, std::uint64_t end) noexcept;
    /// A job is about to begin. True: restore before, for jobs that ended some time ago.
    [[nodiscard]] bool due_before(std::uint64_t now) noexcept;
    /// Whether jobs have run since it was due. Then a worker restores once it has had no work for
    /// `pause_ms`, and says so.
    [[nodiscard]] bool owed() const noexcept { return owed_; }
    void restored(std::uint64_t now) noexcept;
    /// Not before the kernel's next tick: for that it would set the processor's clock at each wait.
    static constexpr int pause_ms = 5;

private:
    std::uint64_t last_ = 0;   ///< when it was due
    std::uint64_t ended_ = 0;  ///< when the last job did
    bool owed_ = false;        ///< jobs have run since
};

/// Of this process as it is.
void remember_birth();
/// As it was remembered; nothing when it was not.
void restore_birth() noexcept;

/// Empty: not remembered, or it has no name.
[[nodiscard]] const std::string& birth_directory() noexcept;
[[nodiscard]] std::optional<mode_t> birth_umask() noexcept;

}  // namespace jobmill
