// SPDX-License-Identifier: MIT
// A command of another program, and how it is started.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "common/job_limits.hpp"
#include "common/unique_fd.hpp"

namespace jobmill::handlers {

struct Command {
    std::vector<std::string> argv;         ///< at least the program
    std::vector<std::string> environment;  ///< "K=V"; its PATH is where the program is looked for
    std::string directory;                 ///< empty: the worker's own, as it was at its birth
    std::optional<mode_t> mask{};          ///< umask; none: the same

    int standard_input = -1;
    int standard_output = -1;
    int standard_error = -1;

    JobLimits limits;
};

/// Starts it in a process group of its own, with default signals and no other descriptors. Throws
/// Failure::exec with 127 when the program or its interpreter is not there, else with 126.
[[nodiscard]] pid_t start(const Command& command);

}  // namespace jobmill::handlers
