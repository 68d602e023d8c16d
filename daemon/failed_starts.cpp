// SPDX-License-Identifier: MIT
#include "daemon/failed_starts.hpp"

#include <utility>

namespace jobmill::daemon {
namespace {

/// Tries are not that far apart, however long a template takes to load, or hangs before it is
/// killed.
constexpr std::chrono::minutes forgotten_after{5};

}  // namespace

bool FailedStarts::ready(PoolId pool, WorkerId worker)
{
    Pool& its = pools_[pool];
    its.ready.insert(worker.slot);
    its.failed.clear();
    its.refused_since.reset();
    return std::exchange(its.hopeless, false);
}

bool FailedStarts::ended(PoolId pool, WorkerId worker, bool unasked)
{
    Pool& its = pools_[pool];
    if (its.ready.erase(worker.slot) > 0 || !unasked) {
        return false;
    }
    const unsigned failed = ++its.failed[worker.slot];
    its.hopeless = its.hopeless || (failed >= hopeless && its.ready.empty());
    return its.hopeless;
}

bool FailedStarts::refused(PoolId pool, core::TimePoint now)
{
    Pool& its = pools_[pool];
    if (!its.ready.empty()) {
        return false;
    }
    // Who was not wanted for a while was not refused either.
    if (!its.refused_since || now - its.refused_last > forgotten_after) {
        its.refused_since = now;
    }
    its.refused_last = now;
    its.hopeless = its.hopeless || now - *its.refused_since >= patience;
    return its.hopeless;
}

bool FailedStarts::is_hopeless(PoolId pool) const
{
    const auto found = pools_.find(pool);
    return found != pools_.end() && found->second.hopeless;
}

}  // namespace jobmill::daemon
