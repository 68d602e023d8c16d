// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace jobmill::daemon {

class SessionOutput;

/// The sessions whose `accepted` waits for what comes after it: a result that is there soon takes
/// it along, and saves a system call here and a wake-up of the client. Whoever owns this lets all
/// of them go when one has waited for `patience`, so one timer is enough.
class HeldAccepts {
public:
    /// Longer than the kernel's tick: for a shorter one the processor's own timer is set at each
    /// wait of the loop and set back, which costs more than what is saved.
    static constexpr std::chrono::milliseconds patience{5};

    void add(SessionOutput& output);
    /// It must be among them.
    void remove(SessionOutput& output);
    /// All of them say what they have held.
    void release();
    [[nodiscard]] bool empty() const noexcept { return held_.empty(); }

private:
    std::vector<SessionOutput*> held_;  ///< each knows its place
};

}  // namespace jobmill::daemon
