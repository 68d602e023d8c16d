// SPDX-License-Identifier: MIT
// Children of the daemon by raw system calls: libuv's own process handles cannot adopt, fork while
// the heap is large, and reap what they did not start.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/unique_fd.hpp"
#include "jobmill/result.hpp"

namespace jobmill::daemon {

struct ProcessExit {
    bool by_signal = false;
    int status = 0;  ///< exit code, or number of the signal
    bool core_dumped = false;
    rusage usage{};

    /// "exit code 3", "SIGSEGV", "SIGABRT, core dumped".
    [[nodiscard]] std::string text() const;
    /// Of the process and all children that it has waited for.
    [[nodiscard]] std::uint64_t cpu_ns() const;
};

/// A descriptor of the parent and its number in the child.
struct Inherited {
    int ours = -1;
    int theirs = -1;
};

/// A program and how it is executed; `arguments` begins with its name.
struct Command {
    int executable = -1;  ///< opened O_PATH; -1: the file that has its name
    std::vector<std::string> arguments;
    std::vector<std::string> environment;
};

/// Executes it, with standard input from /dev/null, all signals at their defaults, and no other
/// descriptors than 0 to 2 and `inherited`.
[[nodiscard]] Result<pid_t> spawn(const Command& command, std::span<const Inherited> inherited);

/// A pidfd, close-on-exec. The process must be an unreaped child, so the pid is certainly its own.
[[nodiscard]] Result<UniqueFd> open_pidfd(pid_t pid);

/// Whether that process is a child of ours, alive or not yet reaped.
[[nodiscard]] bool is_own_child(pid_t pid);

void signal_process(int pidfd, int signal_number);

/// If the process has ended: kills what is left of its process group while its pid cannot have
/// been given to another, then reaps it.
[[nodiscard]] std::optional<ProcessExit> reap_group(int pidfd, pid_t pid);

/// Reaps a child that is in no slot; false when it still lives.
bool reap_stranger(pid_t pid);

/// All children of this process, dead ones too.
[[nodiscard]] std::vector<pid_t> list_children();

}  // namespace jobmill::daemon
