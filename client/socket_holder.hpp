// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "common/unique_fd.hpp"

namespace jobmill {

/// A jobmilld of this pid namespace that lived when it was looked at. Its number may be another's
/// once it is gone; what `process`, a pidfd, means may not.
struct FoundDaemon {
    pid_t pid = 0;
    UniqueFd process;
};

/// The daemon that holds the place of this socket, listening or not: one that starts, serves or
/// stops. None when it is gone, whatever its lock file still says.
[[nodiscard]] std::optional<pid_t> socket_holder(const std::string& socket);
[[nodiscard]] std::optional<FoundDaemon> find_socket_holder(const std::string& socket);

/// The daemon at the other end of a connected socket, by what the kernel knows of it. `own_pid` is
/// what it calls itself, which in a container is the number of another process here: where it does
/// not listen itself, but a service manager does, it is who holds the place and is called so.
[[nodiscard]] std::optional<FoundDaemon> find_peer_daemon(int socket, pid_t own_pid);

/// Whether a daemon itself is at the other end of a connected socket, and not somebody who passes
/// bytes on, such as ssh. `path` is what the listener bound. False when it cannot be seen: a daemon
/// in a container may have no number here.
[[nodiscard]] bool leads_to_daemon(int socket, const std::string& path);

/// The path that the peer of a connected socket bound; empty when it has none.
[[nodiscard]] std::string bound_path(int socket);

}  // namespace jobmill
