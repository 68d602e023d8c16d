// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace jobmill::daemon {

/// How a client writes: its first byte tells.
enum class Spelling : std::uint8_t { undecided, binary, json };

}  // namespace jobmill::daemon
