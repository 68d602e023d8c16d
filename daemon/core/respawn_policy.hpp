// SPDX-License-Identifier: MIT
// How long an empty slot or a missing template stays so. Pure arithmetic.
#pragma once

#include <cstdint>

#include "daemon/core/dispatcher.hpp"

namespace jobmill::core {

/// The first backoff, doubled for each failure after the first, up to the longest; none for none.
[[nodiscard]] Duration backoff(std::uint32_t failures, const Patience& patience);

/// For a slot whose last so many processes never said hello. One that had said hello and died is
/// replaced at once, however often: what kills it is its jobs, and they are charged.
[[nodiscard]] Duration worker_delay(std::uint32_t unready_forks, const Patience& patience);

/// For a template that was lost so many times in a row without having been ready. The first loss is
/// made good at once, for it is rarely the program's own fault.
[[nodiscard]] Duration template_delay(std::uint32_t unready_starts, const Patience& patience);

}  // namespace jobmill::core
