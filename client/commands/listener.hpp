// SPDX-License-Identifier: MIT
// Waits for whatever concerns a command: the daemon, a signal, standard input, and a reader of the
// output who takes what was kept for him, or leaves.
#pragma once

#include <chrono>
#include <optional>

#include "jobmill/client.hpp"

namespace jobmill::commands {

struct Woken {
    bool input = false;        ///< standard input can be read or has ended
    bool interrupted = false;  ///< a signal came
    bool output_gone = false;  ///< nobody reads standard output any more
    bool late = false;         ///< the time is over
};

struct Wanted {
    bool input = false;
    bool interrupts = true;
    std::optional<std::chrono::steady_clock::time_point> deadline{};
};

/// Sends, waits, receives once; writes output that was kept. Events are to be taken before the next
/// call. While too much output is kept the daemon is not heard.
[[nodiscard]] Result<Woken> listen(Client& client, const Wanted& wanted);

/// The next event while nothing else matters; none when a signal came or the reader left.
[[nodiscard]] Result<std::optional<ClientEvent>> next_event(Client& client);

/// Cancels nothing itself: waits a moment for the unfinished jobs to end, dropping events.
void wait_for_the_end(Client& client);

/// How long cancelled jobs are waited for; running ones have a grace to clean up.
inline constexpr std::chrono::milliseconds end_patience{2000};

}  // namespace jobmill::commands
