// SPDX-License-Identifier: MIT
// Last words: when the worker dies of a fault, its segment says where ("SIGSEGV at address 0x0 in
// handler segv"). The signal then takes its course, so that the exit status is the true one.
#pragma once

#include "common/segment_layout.hpp"

namespace jobmill {

/// Once, in a worker. The segment has to stay mapped.
void install_crash_handler(SegmentLayout& layout);

/// Which handler runs, for the last words; null between jobs. The name has to outlive the job.
void note_running_handler(const char* name) noexcept;
[[nodiscard]] const char* running_handler() noexcept;

}  // namespace jobmill
