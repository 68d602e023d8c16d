// SPDX-License-Identifier: MIT
// Whether an attempt that came to nothing is followed by another, and when. Pure arithmetic.
#pragma once

#include <optional>

#include "daemon/core/terms.hpp"
#include "jobmill/job_state.hpp"

namespace jobmill::core {

/// How often a job was tried, the attempt that has just ended included.
struct Tries {
    std::uint32_t attempts = 1;
    std::uint32_t crashes = 0;
};

/// Whether the job has killed so many workers that it gets no other. Whatever it asked for: its
/// attempts are paid for by its neighbours.
[[nodiscard]] bool is_poison(const Tries& tries, const PoolTerms& pool);

/// How long to wait for the next attempt after one that ended in that state; none: there is no
/// other. The wait doubles from one attempt to the next, and jitter takes away up to half of it,
/// so that jobs which failed together do not come back together. `chance` is from [0, 1).
[[nodiscard]] std::optional<Duration> next_attempt(const JobTerms& job, JobState ended,
                                                   const Tries& tries, double chance);

}  // namespace jobmill::core
