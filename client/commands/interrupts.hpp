// SPDX-License-Identifier: MIT
// SIGINT, SIGTERM and SIGHUP: the first asks the command to cancel its jobs and leave, the second
// leaves at once. Calls that wait end with EINTR.
#pragma once

namespace jobmill::commands {

/// Call once, before anything waits. SIGPIPE is ignored from then on.
void watch_interrupts();

/// The number of the signal that came, or 0.
[[nodiscard]] int interrupted() noexcept;

/// Readable once a signal came; -1 before watch_interrupts().
[[nodiscard]] int interrupt_fd() noexcept;

}  // namespace jobmill::commands
