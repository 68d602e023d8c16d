// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "common/unique_fd.hpp"
#include "jobmill/result.hpp"

namespace jobmill {

/// A non-blocking stream socket connected to the daemon's; the error says what to do when there is
/// none. Does not wait: Errc::in_use when so many wait already that no more are let in.
[[nodiscard]] Result<UniqueFd> connect_to(const std::string& path);

}  // namespace jobmill
