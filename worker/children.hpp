// SPDX-License-Identifier: MIT
// What a job started must not outlive it. The worker is a child subreaper, so whatever a job's
// processes leave behind becomes its child, in whichever session it hides.
#pragma once

#include <cstdint>

namespace jobmill {

/// When to look for what jobs left behind. To look costs 0.2 us, or five times that where system
/// calls are dear, and so is making a process there; so jobs that hardly had the time to make one
/// are looked after together.
class ChildLooks {
public:
    /// `look_ns`: what a look takes here when there is no child.
    explicit ChildLooks(std::uint64_t look_ns) noexcept;
    /// A job has ended, so long after it began. True: look before its result is sent.
    [[nodiscard]] bool due_after(std::uint64_t run_ns) noexcept;
    /// A result is about to be sent at once, or the worker to wait for offers. True: look before.
    [[nodiscard]] bool due_now() noexcept;

private:
    std::uint64_t shortest_fork_ns_;
    std::uint64_t unlooked_ns_ = 0;  ///< that jobs ran since a look
};

/// What a look takes, in ns: a child is waited for that is not there.
[[nodiscard]] std::uint64_t measure_look() noexcept;

/// Kills and reaps every child and all that they started. One system call when there is none.
void kill_children();

}  // namespace jobmill
