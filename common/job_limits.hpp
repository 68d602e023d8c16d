// SPDX-License-Identifier: MIT
// What a worker holds a job to, as the daemon tells it.
#pragma once

#include <cstdint>

#include "jobmill/job_options.hpp"

namespace jobmill {

struct JobLimits {
    std::uint64_t memory = unlimited;  ///< bytes of data
    std::uint64_t cpu_ms = unlimited;
    std::uint64_t file_size = unlimited;   ///< bytes
    std::uint64_t open_files = unlimited;  ///< descriptors
    std::uint64_t processes = unlimited;   ///< of a command, itself included
    std::uint64_t cpus = 0;                ///< a bit for each of CPUs 0 to 63; 0: as they are
    std::int32_t nice = 0;                 ///< 0 to 19

    friend bool operator==(const JobLimits&, const JobLimits&) = default;
};

}  // namespace jobmill
