// SPDX-License-Identifier: MIT
// Where the socket and the daemon's files are: what daemon and clients must agree on.
#pragma once

#include <string>

#include "jobmill/result.hpp"

namespace jobmill {

/// What the places depend on; read from the process's environment by current_surroundings().
struct Surroundings {
    std::string jobmill_socket;  ///< $JOBMILL_SOCKET
    std::string runtime_dir;     ///< $XDG_RUNTIME_DIR
    std::string state_home;      ///< $XDG_STATE_HOME
    std::string config_home;     ///< $XDG_CONFIG_HOME
    std::string home;            ///< $HOME
    unsigned uid = 0;
};
[[nodiscard]] Surroundings current_surroundings();

/// The longest socket path that the system can bind; it would cut longer ones silently.
inline constexpr std::size_t longest_socket_path = 107;

/// $JOBMILL_SOCKET, else the user's own place.
[[nodiscard]] std::string user_socket_path(const Surroundings& surroundings);
/// jobmill/jobmill.sock in $XDG_RUNTIME_DIR; else in /tmp/jobmill-UID.
[[nodiscard]] std::string own_socket_path(const Surroundings& surroundings);
inline constexpr auto system_socket_path = "/run/jobmill/jobmill.sock";

/// $XDG_STATE_HOME/jobmill; else ~/.local/state/jobmill; else beside the socket.
[[nodiscard]] std::string user_state_dir(const Surroundings& surroundings);

/// $XDG_CONFIG_HOME/jobmill/jobmill.toml; else ~/.config/jobmill/jobmill.toml. May not exist.
[[nodiscard]] std::string user_config_path(const Surroundings& surroundings);

/// Refuses an empty, relative or too long path, saying so.
[[nodiscard]] Result<void> check_socket_path(const std::string& path);

/// Refuses a socket below an $XDG_RUNTIME_DIR that is not that user's alone: with somebody else's
/// environment one would leave there what keeps its owner out.
[[nodiscard]] Result<void> check_runtime_dir(const Surroundings& surroundings,
                                             const std::string& socket, unsigned uid);

/// Refuses a socket's directory that another user owns or may write to.
[[nodiscard]] Result<void> check_socket_dir(const std::string& directory, unsigned uid);

}  // namespace jobmill
