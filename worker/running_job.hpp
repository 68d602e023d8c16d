// SPDX-License-Identifier: MIT
// What lies between a job and the handler "exec" besides the interface that modules have.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/job_limits.hpp"

namespace jobmill {

struct RunningJob {
    JobLimits limits;

    // What exec found out of its command.
    std::uint64_t command_peak_rss = 0;  ///< the most that was seen; 0: it was never seen
    std::string_view limit_reached{};    ///< the name of the one that ended it
};

/// Of the job that runs; one at a time.
[[nodiscard]] inline RunningJob& running_job() noexcept
{
    static RunningJob job;
    return job;
}

}  // namespace jobmill
