// SPDX-License-Identifier: MIT
#include "daemon/core/retry_policy.hpp"

#include <algorithm>

#include "daemon/core/planted_bug.hpp"

namespace jobmill::core {

namespace {

std::uint32_t granted(const JobTerms& job, JobState ended)
{
    switch (ended) {
        case JobState::crashed:
            return job.retry_crash;
        case JobState::timed_out:
            return job.retry_timeout;
        case JobState::failed:
            return job.retry_failure;
        default:
            return 0;
    }
}

}  // namespace

bool is_poison(const Tries& tries, const PoolTerms& pool)
{
    return tries.crashes >= pool.poison_after;
}

std::optional<Duration> next_attempt(const JobTerms& job, JobState ended, const Tries& tries,
                                     double chance)
{
    if (tries.attempts > granted(job, ended)) {
        return {};
    }
    Duration wait = std::min(job.backoff, job.longest_backoff);
    for (std::uint32_t i = 1; i < tries.attempts && wait < job.longest_backoff && !JOBMILL_BUG(23);
         ++i) {
        wait = wait > job.longest_backoff / 2 ? job.longest_backoff : wait * 2;
    }
    const auto jitter = static_cast<double>(wait.count() / 2) * chance;
    return wait - Duration{static_cast<Duration::rep>(jitter)};
}

}  // namespace jobmill::core
