// SPDX-License-Identifier: MIT
// What a job and its commands find in their environment: JOBMILL_SOCKET and JOBMILL_JOB, by which a
// client in them knows whose child it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "jobmill/ids.hpp"

namespace jobmill {

/// The socket of the daemon, in this process and those that it forks. Nothing when it is empty.
void name_socket(const std::string& path);

/// The job that runs from now on. Costs no allocation, a million jobs leave no trace.
void name_job(JobId job);

/// Puts the job's number and the daemon's socket into an environment of "K=V" that was made
/// otherwise, in place of others.
void add_job_names(std::vector<std::string>& environment);

}  // namespace jobmill
