// SPDX-License-Identifier: MIT
// What a running daemon's process tells about itself, to its own user.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "jobmill/client.hpp"

namespace jobmill::commands {

struct DaemonFacts {
    std::string started_by;    ///< a program that started it in the background; empty: a person
    std::string idle_timeout;  ///< as it was told on its command line; empty: none
    std::string config;        ///< the file it read; empty: none
    std::string output;        ///< where its log goes: a file, or a name such as "pipe:[1]"
    bool readable = false;     ///< false: another user's, or out of sight, it tells nothing
};

[[nodiscard]] DaemonFacts facts_of(pid_t pid);
/// Of the one that the client talks to; nothing when its process cannot be seen from here.
[[nodiscard]] DaemonFacts facts_of(const Client& client);

/// From the words it was started with and its environment. The file is not looked for.
[[nodiscard]] DaemonFacts facts_from(const std::vector<std::string>& words,
                                     const std::vector<std::string>& environment);

/// Whether the log is a file of that name.
[[nodiscard]] bool logs_to_file(const DaemonFacts& facts);

}  // namespace jobmill::commands
