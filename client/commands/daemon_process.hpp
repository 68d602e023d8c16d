// SPDX-License-Identifier: MIT
// Starting and stopping a jobmilld of our own.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "jobmill/result.hpp"

namespace jobmill::commands {

struct DaemonLaunch {
    std::string socket;
    std::vector<std::string> options;  ///< after --socket PATH
    std::string log_path;
    std::vector<std::string> environment{};  ///< NAME=VALUE, instead of what we have ourselves
    bool background = true;                  ///< in a session of its own, outliving us
};

/// Starts jobmilld and waits until it answers. Its pid; or an error with the end of its log.
[[nodiscard]] Result<pid_t> start_daemon(const DaemonLaunch& launch,
                                         std::chrono::milliseconds patience);

/// SIGTERM, then waits until the process is gone. False when it is not in time.
[[nodiscard]] Result<bool> stop_process(pid_t pid, std::chrono::milliseconds patience);

/// jobmilld: beside this program, or where an installation has it, or in $PATH.
[[nodiscard]] Result<std::string> find_daemon();

/// Makes a directory and its parents, the last one for this user alone.
[[nodiscard]] Result<void> make_private_directory(const std::string& path);

}  // namespace jobmill::commands
