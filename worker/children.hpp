// SPDX-License-Identifier: MIT
// What a job started must not outlive it. The worker is a child subreaper, so whatever a job's
// processes leave behind becomes its child, in whichever session it hides.
#pragma once

#include <cstdint>

namespace jobmill {

/// When to look for what jobs left behind. To look costs 0.2 us; so jobs that hardly had the time
/// to make a process are looked after together.
class ChildLooks {
public:
    /// A job has ended, so long after it began. True: look before its result is sent.
    [[nodiscard]] bool due_after(std::uint64_t run_ns) noexcept;
    /// A result is about to be sent at once, or the worker to wait for offers. True: look before.
    [[nodiscard]] bool due_now() noexcept;

private:
    std::uint64_t unlooked_ns_ = 0;  ///< that jobs ran since a look
};

/// Kills and reaps every child and all that they started. One system call when there is none.
void kill_children();

}  // namespace jobmill
