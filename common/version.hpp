// SPDX-License-Identifier: MIT
#pragma once

namespace jobmill {

inline constexpr auto version = JOBMILL_VERSION;

}  // namespace jobmill
