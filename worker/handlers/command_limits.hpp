// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "common/job_limits.hpp"
#include "worker/handlers/launch.hpp"

namespace jobmill::handlers {

/// A job's limits as those of the process that is its command, for each process that this starts,
/// too. Hard ones: it cannot lift them.
[[nodiscard]] std::vector<CommandLimit> command_limits(const JobLimits& limits);

/// Processes and threads of this user now.
[[nodiscard]] std::uint64_t tasks_of_user();

}  // namespace jobmill::handlers
