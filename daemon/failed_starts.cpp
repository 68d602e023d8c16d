// SPDX-License-Identifier: MIT
#include "daemon/failed_starts.hpp"

#include <utility>

namespace jobmill::daemon {

bool FailedStarts::ready(PoolId pool, WorkerId worker)
{
    Pool& its = pools_[pool];
    its.ready.insert(worker.slot);
    its.failed.clear();
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

}  // namespace jobmill::daemon
