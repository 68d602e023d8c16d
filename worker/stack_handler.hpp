// SPDX-License-Identifier: MIT
// Where a worker is: at SIGQUIT it writes its stack into its segment and goes on. The daemon asks
// before it stops a job that has run too long or hangs.
#pragma once

#include <sys/types.h>

#include "common/segment_layout.hpp"

namespace jobmill {

/// Loads what taking a stack needs, so that the handler has to load nothing. When the modules are
/// loaded; a template does it for its workers.
void prepare_stacks();

/// Once, in a worker, after install_crash_handler(), whose signal stack it uses. The segment has to
/// stay mapped.
void install_stack_handler(SegmentLayout& layout);

/// The command for which the worker waits: then what that does is told first. 0: none.
void note_running_command(pid_t command) noexcept;

}  // namespace jobmill
