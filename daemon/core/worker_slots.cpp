// SPDX-License-Identifier: MIT
#include "daemon/core/worker_slots.hpp"

#include <algorithm>

#include "common/assert.hpp"

namespace jobmill::core {

SlotId WorkerSlots::take(PoolId pool)
{
    auto found = std::find_if(slots_.begin() + 1, slots_.end(),
                              [](const auto& slot) { return !slot->in_use; });
    if (found == slots_.end()) {
        found = slots_.insert(slots_.end(), std::make_unique<WorkerSlot>());
        (*found)->worker.slot = SlotId{static_cast<std::uint32_t>(slots_.size() - 1)};
    }
    WorkerSlot& slot = **found;
    slot.in_use = true;
    slot.pool = pool;
    return slot.worker.slot;
}

void WorkerSlots::release(SlotId slot)
{
    WorkerSlot& left = (*this)[slot];
    JOBMILL_ASSERT(left.in_use && left.state == WorkerState::gone && left.held.empty());
    JOBMILL_ASSERT(left.filed_under == WorkerSlot::not_filed);
    const WorkerId last = left.worker;
    left = WorkerSlot{};
    left.worker = last;
}

bool WorkerSlots::contains(SlotId slot) const
{
    return slot != no_slot && number(slot) < slots_.size() && (*this)[slot].in_use;
}

WorkerSlot* WorkerSlots::find(WorkerId worker)
{
    if (!contains(worker.slot)) {
        return nullptr;
    }
    WorkerSlot& slot = (*this)[worker.slot];
    return slot.worker == worker ? &slot : nullptr;
}

}  // namespace jobmill::core
