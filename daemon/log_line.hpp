// SPDX-License-Identifier: MIT
// The spellings of one event. Pure, bounded, and always one line: whatever a value holds.
#pragma once

#include <cstddef>
#include <string>

#include "daemon/log_fields.hpp"

namespace jobmill::log {

/// An event takes at most so many bytes in any spelling, so that a line fits into one atomic write
/// to a pipe and into one datagram to the journal; longer texts are cut.
constexpr std::size_t longest_line = 3'500;

/// `worker crashed pool=default worker=3 cause="exit code 3"`: without time and level.
[[nodiscard]] std::string text_line(EventName event, Fields fields);

/// `"event":"worker crashed","pool":"default","worker":3`: the members, without braces, time and
/// level.
[[nodiscard]] std::string json_members(EventName event, Fields fields);

}  // namespace jobmill::log
