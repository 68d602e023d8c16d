// SPDX-License-Identifier: MIT
// What a submit asks for, after its pool has said what it does not say. Pure.
#pragma once

#include <vector>

#include "common/messages.hpp"
#include "daemon/batches.hpp"
#include "daemon/core/terms.hpp"
#include "daemon/job_content.hpp"
#include "daemon/pool_settings.hpp"
#include "jobmill/job_state.hpp"

namespace jobmill::daemon {

/// What the few jobs have beside what all have: whoever asked for something, or was tried before.
struct JobAsk {
    core::JobTerms terms;
    JobLimits limits;
    BatchSeat batch;
    JobId parent{};
    bool want_retrying = false;       ///< to be told of each attempt that ends
    bool waits_behind_delay = false;  ///< its time to wait is its pool's, after its delay
    std::vector<JobContent> inputs;   ///< what was put that it reads beside its payload
    std::vector<Attempt> attempts;    ///< that have come to nothing
    core::Duration tried{};           ///< what all of them took
};

/// The terms of a job that asks for `options` in that pool. `is_command`: its limits are a child's,
/// not the worker's own.
[[nodiscard]] JobAsk resolve(const JobOptions& options, const PoolSettings& pool, bool is_command);

/// The job has no delay any more.
void drop_delay(JobAsk& ask);

/// The job has these inputs as well. `large`: its payload is a descriptor, too.
void add_inputs(JobAsk& ask, std::vector<JobContent> inputs, bool large);

/// Remembers the attempt as its job's result will tell of it: in few words, and the newest only.
void remember(JobAsk& ask, const Attempt& attempt);
/// Bytes that they take up.
[[nodiscard]] std::uint64_t memory_of(const std::vector<Attempt>& attempts);

/// How the core is to run the pool.
[[nodiscard]] core::PoolTerms pool_terms(const PoolSettings& pool);

/// A bound as the core says it.
[[nodiscard]] std::uint32_t core_bound(std::uint64_t bound);

}  // namespace jobmill::daemon
