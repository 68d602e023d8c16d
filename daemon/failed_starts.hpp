// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>

#include "daemon/core/event.hpp"
#include "jobmill/ids.hpp"

namespace jobmill::daemon {

/// Workers that end before they are ready, or that cannot be made at all. A slot whose processes
/// end so again and again is hopeless, and so is its pool, unless another of its workers is ready.
/// Pure.
class FailedStarts {
public:
    /// One may die of what is not its fault, and two of what has not passed yet: with the time
    /// between them this is most of a second.
    static constexpr unsigned hopeless = 5;
    /// That none can be made passes on a machine that is busy, or short of something; after so long
    /// it is told, so that nobody submits for hours to where nothing will run.
    static constexpr std::chrono::seconds patience{10};

    /// The worker is ready. Whether its pool was hopeless until now.
    [[nodiscard]] bool ready(PoolId pool, WorkerId worker);
    /// The worker is dead; `unasked`: nobody had told it to leave. Whether its pool is hopeless.
    [[nodiscard]] bool ended(PoolId pool, WorkerId worker, bool unasked);
    /// There is no process for a worker, as fork says or what comes before it. Whether its pool is
    /// hopeless.
    [[nodiscard]] bool refused(PoolId pool, core::TimePoint now);
    [[nodiscard]] bool is_hopeless(PoolId pool) const;
    void forget(PoolId pool) { pools_.erase(pool); }

private:
    struct Pool {
        std::set<SlotId> ready;
        std::map<SlotId, unsigned> failed;  ///< starts in a row, since any worker was ready
        std::optional<core::TimePoint> refused_since;  ///< while no worker was ready
        core::TimePoint refused_last;
        bool hopeless = false;
    };

    std::map<PoolId, Pool> pools_;
};

}  // namespace jobmill::daemon
