// SPDX-License-Identifier: MIT
#pragma once

#include <utility>
#include <vector>

#include "daemon/batches.hpp"
#include "daemon/core/dispatcher.hpp"
#include "daemon/job_records.hpp"
#include "daemon/pool_directory.hpp"
#include "daemon/rights.hpp"
#include "daemon/unread_jobs.hpp"

namespace jobmill::daemon {

/// What a list of jobs is made of.
struct JobSources {
    const JobRecords& records;
    const UnreadJobs& unread;
    const core::Dispatcher& core;
    const PoolDirectory& pools;
    const Batches& batches;
    core::TimePoint now;
};

/// The list `jobs` of a status reply, the oldest first, and how many more there are: of what that
/// client may touch, these, or all that are unfinished and those whose results nobody has read.
[[nodiscard]] std::pair<Array, std::size_t> report_jobs(const JobSources& sources,
                                                        const Identity& client,
                                                        const std::vector<JobId>& wanted);

}  // namespace jobmill::daemon
