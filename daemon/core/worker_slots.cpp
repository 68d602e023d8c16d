// SPDX-License-Identifier: MIT
#include "daemon/core/worker_slots.hpp"

#include <algorithm>

#include "common/assert.hpp"

namespace jobmill::core {

void WorkerSlots::add(PoolId pool, SlotId first, std::uint32_t count)
{
    const std::size_t end = std::size_t{number(first)} + count;
    slots_.resize(std::max(slots_.size(), end));
    for (std::size_t i = number(first); i < end; ++i) {
        const SlotId slot{static_cast<std::uint32_t>(i)};
        JOBMILL_ASSERT(slot != no_slot && !contains(slot));
        slots_[i].worker.slot = slot;
        slots_[i].pool = pool;
    }
}

bool WorkerSlots::contains(SlotId slot) const
{
    return slot != no_slot && number(slot) < slots_.size() &&
           slots_[number(slot)].worker.slot == slot;
}

WorkerSlot* WorkerSlots::find(WorkerId worker)
{
    return contains(worker.slot) && slots_[number(worker.slot)].worker == worker
               ? &slots_[number(worker.slot)]
               : nullptr;
}

const WorkerSlot* WorkerSlots::find(WorkerId worker) const
{
    return contains(worker.slot) && slots_[number(worker.slot)].worker == worker
               ? &slots_[number(worker.slot)]
               : nullptr;
}

}  // namespace jobmill::core
