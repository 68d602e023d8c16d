// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include "common/job_limits.hpp"
#include "worker/handlers/launch.hpp"

namespace jobmill::handlers {

/// Commands begin with a limit of so many descriptors, a soft one, when their jobs have none: this
/// process may have more. 0: they begin with its own.
void bound_descriptors(std::uint64_t most) noexcept;

/// A job's limits as those of the process that is its command, for each process that this starts,
/// too. Hard ones, but for the one above: it cannot lift them.
[[nodiscard]] std::vector<CommandLimit> command_limits(const JobLimits& limits);

/// Processes and threads of this user now.
[[nodiscard]] std::uint64_t tasks_of_user();

}  // namespace jobmill::handlers
