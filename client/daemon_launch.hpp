// SPDX-License-Identifier: MIT
// A jobmilld in the background: whose child it is not, and what it inherits from whom starts it.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/unique_fd.hpp"
#include "jobmill/result.hpp"

namespace jobmill {

struct DaemonLaunch {
    std::string program;
    std::vector<std::string> words;        ///< from argv[0] on
    std::vector<std::string> environment;  ///< NAME=VALUE, all of it
    std::string log_path;
};

/// A daemon that was executed; whether it is ready is another question.
struct LaunchedDaemon {
    pid_t pid = 0;
    UniqueFd process;     ///< readable once it has left
    off_t log_start = 0;  ///< what it says begins here
};

/// Executes it in a session of its own, in "/", with its output in the log and no other descriptor
/// of ours. It is nobody's child: who starts it has nothing to reap.
[[nodiscard]] Result<LaunchedDaemon> launch_daemon(DaemonLaunch launch);

/// jobmilld: beside this program, in $PATH, or where it was to be installed.
[[nodiscard]] Result<std::string> find_daemon();

/// Of these variables, those that a daemon needs which serves whoever comes: where to find programs
/// and directories, language and time zone, and what is jobmill's own.
[[nodiscard]] std::vector<std::string> clean_environment(std::span<const std::string> variables);

/// The variables of this process, as NAME=VALUE.
[[nodiscard]] std::vector<std::string> own_environment();

/// Makes a directory and its parents, the last one for this user alone.
[[nodiscard]] Result<void> make_private_directory(const std::string& path);

/// The log's last lines, from `start` on at the earliest.
[[nodiscard]] std::string end_of_log(const std::string& path, off_t start);

}  // namespace jobmill
