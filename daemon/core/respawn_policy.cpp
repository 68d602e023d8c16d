// SPDX-License-Identifier: MIT
#include "daemon/core/respawn_policy.hpp"

#include <algorithm>

namespace jobmill::core {

Duration backoff(std::uint32_t failures, const Patience& patience)
{
    if (failures == 0) {
        return Duration::zero();
    }
    Duration delay = std::min(patience.first_backoff, patience.longest_backoff);
    for (std::uint32_t i = 1; i < failures && delay < patience.longest_backoff; ++i) {
        if (delay <= Duration::zero()) {
            break;
        }
        delay = delay > patience.longest_backoff / 2 ? patience.longest_backoff : delay * 2;
    }
    return delay;
}

Duration worker_delay(std::uint32_t unready_forks, const Patience& patience)
{
    return backoff(unready_forks, patience);
}

Duration template_delay(std::uint32_t unready_starts, const Patience& patience)
{
    return backoff(unready_starts == 0 ? 0 : unready_starts - 1, patience);
}

}  // namespace jobmill::core
