// SPDX-License-Identifier: MIT
// Under which keys it is waited for pools and workers.
#pragma once

#include "daemon/core/deadlines.hpp"
#include "daemon/core/worker_slots.hpp"

namespace jobmill::core {

[[nodiscard]] inline DeadlineKey key_of(const WorkerSlot& slot)
{
    return {.kind = DeadlineKey::Kind::slot, .number = number(slot.worker.slot)};
}

[[nodiscard]] inline DeadlineKey key_of(PoolId pool)
{
    return {.kind = DeadlineKey::Kind::pool, .number = number(pool)};
}

[[nodiscard]] inline DeadlineKey overrun_key(const WorkerSlot& slot)
{
    return {.kind = DeadlineKey::Kind::overrun, .number = number(slot.worker.slot)};
}

[[nodiscard]] inline DeadlineKey probe_key(PoolId pool)
{
    return {.kind = DeadlineKey::Kind::probe, .number = number(pool)};
}

}  // namespace jobmill::core
