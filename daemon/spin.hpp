// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "daemon/core/terms.hpp"

namespace jobmill::daemon {

/// Whether the loop, at the end of a turn, looks for more at once or sleeps until there is some.
/// Who wakes another process on another core waits for that longer than most small jobs take. Who
/// set `spin` has it look for so long after each turn that sent something, or never. Else it looks
/// for about as long as it takes to be woken, and only as long as that pays: each look that finds
/// nothing has it leave out more of the next ones, for a time at most.
class Spin {
public:
    /// None: as long as it pays; zero: never.
    using Setting = std::optional<core::Duration>;

    struct Turn {
        unsigned events = 0;  ///< that the core has handled
        unsigned ended = 0;   ///< jobs, by these
        bool sent = false;
        std::uint32_t busy_workers = 0;
        std::uint32_t cores = 1;
        /// The worker that got a job last was on this CPU then.
        bool worker_beside = false;

        /// Somebody has to be able to do what it waits for while it looks.
        [[nodiscard]] bool core_to_spare() const { return std::max(1U, busy_workers) < cores; }
    };

    [[nodiscard]] bool goes_on(const Turn& turn, core::TimePoint now, const Setting& setting);

    /// After so many events the next ones come soon, and are worth a core that others could use.
    static constexpr unsigned many_events = 64;
    static constexpr core::Duration look = std::chrono::microseconds{50};
    /// Where a core is to spare: until a job of some tens of microseconds has come back, or the
    /// client that has its result sends the next one.
    static constexpr core::Duration long_look = std::chrono::microseconds{100};
    static constexpr unsigned most_left_out = 1023;
    /// Where a core is to spare: who was looked for in vain may have moved to another one
    /// meanwhile.
    static constexpr core::Duration longest_rest = std::chrono::milliseconds{20};

private:
    /// Looks for one reason. What pays for one does not for another.
    struct Habit {
        core::Duration length{};
        core::Duration longest_rest{};
        unsigned left_out = 0;        ///< turns that are still to pass without a look
        unsigned next_left_out = 0;   ///< the same after a look that finds nothing
        core::TimePoint rests_until;  ///< then it looks, whatever is left out
    };

    [[nodiscard]] bool looks(const Turn& turn, core::TimePoint now);
    [[nodiscard]] Habit* reason(const Turn& turn);

    core::TimePoint until_;
    Habit* looking_ = nullptr;
    /// It takes the core from others, so what it leaves out is left out.
    Habit much_to_do_{.length = look, .longest_rest = std::chrono::hours{1}};
    Habit for_workers_{.length = long_look, .longest_rest = longest_rest};
    Habit for_clients_{.length = long_look, .longest_rest = longest_rest};
};

}  // namespace jobmill::daemon
