// SPDX-License-Identifier: MIT
// The handlers that need no module. They are written against the interface that modules have.
#pragma once

#include <span>

#include <jobmill/module.h>

#include "common/builtin_names.hpp"

namespace jobmill {

[[nodiscard]] std::span<const jobmill_handler> builtin_handlers();

}  // namespace jobmill
