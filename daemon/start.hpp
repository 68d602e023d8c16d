// SPDX-License-Identifier: MIT
// From the command line, the environment and the configuration file to a daemon that can run.
#pragma once

#include "common/places.hpp"
#include "daemon/options.hpp"
#include "daemon/supervisor.hpp"

namespace jobmill::daemon {

/// What the daemon was told, all of it: the command line wins over the file, the file over the
/// defaults.
struct Settled {
    Config config;
    std::string socket;
    bool socket_told = false;  ///< by command line or file: another one would be a surprise
    std::string state_dir;
    std::string config_file;  ///< empty: none was read
    bool system = false;
    bool allow_root = false;
};
[[nodiscard]] Result<Settled> settle(const Options& options, const Surroundings& surroundings);

/// Takes hold of everything that can be refused: the log, the rights, the socket, the state, the
/// worker program.
[[nodiscard]] Result<Supervisor::Setup> set_up(Settled settled);

/// Prints one line and answers the exit code.
[[nodiscard]] int complain(const Error& error);

}  // namespace jobmill::daemon
