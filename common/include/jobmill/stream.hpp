// SPDX-License-Identifier: MIT
// Which of a command's outputs a partial result is from.
#pragma once

#include <cstdint>

namespace jobmill {

enum class Stream : std::uint8_t {
    none = 0,  ///< no command's: a partial result of a handler
    out = 1,
    err = 2,
};

}  // namespace jobmill
