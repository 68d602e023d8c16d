// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace jobmill {

/// The daemon that holds the place of this socket, listening or not: one that starts, serves or
/// stops. None when it is gone, whatever its lock file still says.
[[nodiscard]] std::optional<pid_t> socket_holder(const std::string& socket);

}  // namespace jobmill
