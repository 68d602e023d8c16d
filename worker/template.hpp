// SPDX-License-Identifier: MIT
// A pool's template: loads the pool's handlers once and forks workers when the daemon asks. It has
// one thread, runs no job, and holds nothing whose loss would matter: workers outlive it.
#pragma once

#include "worker/options.hpp"
#include "worker/runtime.hpp"

namespace jobmill {

/// Serves the link on descriptor 3 until it ends; answers the exit code.
[[nodiscard]] int run_template(const WorkerOptions& options, const Runtime& runtime);

}  // namespace jobmill
