// SPDX-License-Identifier: MIT
// Starts a daemon once, however many ask for it at the same moment.
#pragma once

#include <string>
#include <vector>

#include "jobmill/start.hpp"

namespace jobmill {

/// What was found or done.
struct StartReport {
    enum class How { was_there, process, unit };
    How how = How::was_there;
    std::string log_path;  ///< of a process
    std::string unit;      ///< that was started
};

/// Who started a bare process says so in its environment, for who asks later.
inline constexpr auto started_by_variable = "JOBMILL_STARTED_BY";

struct StartRequest {
    std::string socket;
    StartOptions options;
    std::string started_by;                  ///< a program's name
    std::string log_path{};                  ///< empty: in the user's state directory
    std::vector<std::string> words{};        ///< more of them, for the daemon
    std::vector<std::string> environment{};  ///< NAME=VALUE, in place of what it would have
};

/// Whether a client may start the daemon of this socket: the user's own place, and the user has not
/// forbidden it.
[[nodiscard]] bool may_start(const std::string& socket);

/// Returns when a daemon answers at the socket. A lock file beside it makes one of many starters
/// start, and the others wait.
[[nodiscard]] Result<StartReport> ensure_daemon(StartRequest request);

/// As the public function, at the socket of the request.
[[nodiscard]] Result<Client> connect_or_start(StartRequest request, const Client::Options& options);

}  // namespace jobmill
