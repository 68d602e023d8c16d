// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace jobmill {

/// The daemon that holds the place of this socket, listening or not: one that starts, serves or
/// stops. None when it is gone, whatever its lock file still says.
[[nodiscard]] std::optional<pid_t> socket_holder(const std::string& socket);

/// Whether a daemon itself is at the other end of a connected socket, and not somebody who passes
/// bytes on, such as ssh. `path` is what the listener bound. False when it cannot be seen: a daemon
/// in a container has another number here, or none.
[[nodiscard]] bool leads_to_daemon(int socket, const std::string& path);

}  // namespace jobmill
