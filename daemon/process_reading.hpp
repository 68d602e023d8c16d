// SPDX-License-Identifier: MIT
// What the kernel tells of a process that is a child of ours and not reaped, so that its number is
// its own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jobmill::daemon {

/// Bytes of memory that it has now, blobs aside. None when it is gone.
[[nodiscard]] std::optional<std::uint64_t> unshared_size(pid_t pid,
                                                         const std::string& proc = "/proc");

/// The most that it had, since it last forgot. None when it is gone.
[[nodiscard]] std::optional<std::uint64_t> peak_resident_size(pid_t pid,
                                                              const std::string& proc = "/proc");

/// Nanoseconds that it has run so far, its children aside. None when it is gone.
[[nodiscard]] std::optional<std::uint64_t> cpu_time(pid_t pid);

/// The letter of its state, such as R. None when it is gone.
[[nodiscard]] std::optional<char> process_state(pid_t pid, const std::string& proc = "/proc");

/// For people, of a state in which it does not go on by itself: "stopped", "traced", "waits in the
/// kernel and cannot be killed", "dead". Empty for all others.
[[nodiscard]] std::string_view stuck_text(char state);

}  // namespace jobmill::daemon
