// SPDX-License-Identifier: MIT
// Standard output and standard error. Who reads them may stand still, as a pager does, and nothing
// here waits for him: what he does not take is kept, in a temporary file beyond a little, and
// written when he does. Meanwhile the daemon goes on to be heard.
#pragma once

#include <poll.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "jobmill/bytes.hpp"

namespace jobmill::commands {

inline constexpr int standard_input = 0;
inline constexpr int standard_output = 1;
inline constexpr int standard_error = 2;

/// To be called first: nothing that is opened later is taken for a standard descriptor that is
/// closed. Writing to a closed standard output fails; who has closed standard error does not want
/// to hear what is said there.
void hold_closed_descriptors();

/// Writes, or keeps for later: all of it, in order. False when nobody reads any more, or the bytes
/// cannot be written (said as a notice).
[[nodiscard]] bool write_all(int fd, ByteView bytes);

/// From now on small pieces for standard output are gathered, 64 KiB at most. To be written before
/// the command waits for anything; what goes to standard error goes after them. A plain file that
/// has no room for all of an item ends before it, unless somebody else writes to it.
void gather_output();
/// What was given to write_all() for standard output so far is whole items.
void end_output_item();
/// Writes, or keeps for later. False also when something was lost before.
[[nodiscard]] bool write_gathered();
/// Bytes that were given to write_all() for standard output so far.
[[nodiscard]] std::uint64_t output_size();
/// Those of them that have been written: neither gathered, nor kept, nor lost.
[[nodiscard]] std::uint64_t written_output_size();

/// Whether something for standard output is kept, as its reader stands still.
[[nodiscard]] bool output_waits();
/// Whether so much is kept that nothing should be added: 256 MiB, or less on a full disk.
[[nodiscard]] bool output_is_full();
/// What to poll for while something is kept; a reader of standard output who leaves is told at any
/// time.
[[nodiscard]] std::array<pollfd, 2> wanted_of_output();
/// Writes what goes at once of what was kept. False when nobody reads standard output any more.
[[nodiscard]] bool write_kept();
/// Waits until all is written. False when nobody reads standard output any more, or an interrupt
/// came.
[[nodiscard]] bool finish_output();

/// Whether something could not be written, though it has a reader: a full disk.
[[nodiscard]] bool output_has_failed();

[[nodiscard]] bool is_terminal_fd(int fd);

/// Whether the reader of standard output has left.
[[nodiscard]] bool output_is_gone();

}  // namespace jobmill::commands
