// SPDX-License-Identifier: MIT
// Turns a process into a worker: descriptors, session, signals, parent, segment; then the job loop.
#pragma once

#include <sys/types.h>

#include "common/unique_fd.hpp"
#include "jobmill/ids.hpp"
#include "worker/handler_table.hpp"
#include "worker/options.hpp"
#include "worker/runtime.hpp"

namespace jobmill {

/// Where the link and the segment lie in every process of this program.
inline constexpr int link_descriptor = 3;
inline constexpr int segment_descriptor = 4;

/// What comes with a fork.
struct WorkerParts {
    UniqueFd link;
    UniqueFd segment;
    UniqueFd standard_error;
};

/// In the forked process, whose parent at birth was `middle`, which leaves.
[[noreturn]] void become_worker(WorkerId worker, WorkerParts parts, const Equipment& equipment,
                                pid_t daemon, pid_t middle);

/// A worker that the daemon executed itself: loads, then serves. The descriptors are in place.
[[noreturn]] void run_spawned_worker(const WorkerOptions& options, const Runtime& runtime);

}  // namespace jobmill
