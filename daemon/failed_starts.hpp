// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <set>

#include "jobmill/ids.hpp"

namespace jobmill::daemon {

/// Workers that end before they are ready. A slot whose processes do so again and again is
/// hopeless, and so is its pool, unless another of its workers is ready. Pure.
class FailedStarts {
public:
    /// One may die of what is not its fault, and two of what has not passed yet: with the time
    /// between them this is most of a second.
    static constexpr unsigned hopeless = 5;

    /// The worker is ready. Whether its pool was hopeless until now.
    [[nodiscard]] bool ready(PoolId pool, WorkerId worker);
    /// The worker is dead; `unasked`: nobody had told it to leave. Whether its pool is hopeless.
    [[nodiscard]] bool ended(PoolId pool, WorkerId worker, bool unasked);
    void forget(PoolId pool) { pools_.erase(pool); }

private:
    struct Pool {
        std::set<SlotId> ready;
        std::map<SlotId, unsigned> failed;  ///< starts in a row, since any worker was ready
        bool hopeless = false;
    };

    std::map<PoolId, Pool> pools_;
};

}  // namespace jobmill::daemon
