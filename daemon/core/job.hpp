// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "daemon/core/job_lifecycle.hpp"
#include "jobmill/ids.hpp"

namespace jobmill::core {

/// Where the JobTable keeps a job; good until the job is removed.
enum class JobHandle : std::uint32_t {};
inline constexpr JobHandle no_job{UINT32_MAX};

/// Neighbours in a JobList.
struct JobLinks {
    JobHandle previous = no_job;
    JobHandle next = no_job;
};

/// A job that has not ended. It is in exactly one place: in its pool's queue or among the jobs that
/// a worker holds; one pair of links serves both, so that it cannot be in two.
struct Job {
    JobId id{};
    SessionId session{};
    PoolId pool{};
    bool attached = true;  ///< it ends with its session, and is in that session's list
    JobStage stage = JobStage::queued;
    std::uint64_t arrival = 0;  ///< its turn in the queue; kept when it comes back
    WorkerId worker{};          ///< that holds it; slot 0 in the queue
    Sequence sequence{};        ///< under which that worker holds it
    JobLinks place;
    JobLinks kin;  ///< in its session's list
};

}  // namespace jobmill::core
