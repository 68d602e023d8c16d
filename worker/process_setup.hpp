// SPDX-License-Identifier: MIT
// The state of a process that templates and workers put in order before they do anything else.
#pragma once

#include <sys/types.h>

namespace jobmill {

/// Every signal as a program expects it (ignored or blocked ones are inherited), except that
/// writing to a closed pipe is an error instead of a death.
void reset_signals();

/// Dies with the daemon; leaves at once when that is no longer the parent.
void tie_to(pid_t daemon);

/// When memory runs out, the kernel kills this process, or what it has started, before the daemon,
/// which has everybody's jobs.
void offer_to_die_first();

/// What ps and pstree show. Executed by descriptor, a process is named after a number otherwise.
/// At most 15 characters.
void take_name(const char* name);

/// A session of its own: a Ctrl-C typed at a daemon in the foreground is not for this process.
void leave_terminal();

/// Standard input is /dev/null, every descriptor from `first` on is closed.
void drop_descriptors(int first);

}  // namespace jobmill
