// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "daemon/core/terms.hpp"

namespace jobmill::daemon {

/// Whether the loop, at the end of a turn, looks for more at once or sleeps until there is some.
/// Who set `spin` has it look for so long after each turn that sent something. Else it looks only
/// after a turn that handled many events, for no longer than it takes to be woken, and only as long
/// as that pays: each look that finds nothing has it leave out more of the next ones.
class Spin {
public:
    /// As it is configured; none: not set.
    using Setting = std::optional<core::Duration>;

    struct Turn {
        unsigned events = 0;  ///< that the core has handled
        bool sent = false;
    };

    [[nodiscard]] bool goes_on(const Turn& turn, core::TimePoint now, const Setting& setting);

    /// Below it a turn is no sign that the next one comes soon.
    static constexpr unsigned many_events = 64;
    /// A process that sleeps on another core runs after so long, on a virtual machine.
    static constexpr core::Duration wake_up = std::chrono::microseconds{50};
    static constexpr unsigned most_left_out = 1023;

private:
    [[nodiscard]] bool pays(const Turn& turn, core::TimePoint now);

    core::TimePoint until_;
    bool looking_ = false;
    unsigned left_out_ = 0;      ///< turns with many events that are to pass without a look
    unsigned next_left_out_ = 0; ///< after a look that finds nothing: twice as many, and one
};

}  // namespace jobmill::daemon
