// SPDX-License-Identifier: MIT
#include "daemon/core/worker_slots.hpp"

#include <algorithm>

#include "common/assert.hpp"

namespace jobmill::core {

SlotId WorkerSlots::take(PoolId pool)
{
    auto found = std::find_if(slots_.begin() + 1, slots_.end(),
                              [](const WorkerSlot& slot) { return !slot.in_use; });
    if (found == slots_.end()) {
        slots_.emplace_back();
        found = slots_.end() - 1;
        found->worker.slot = SlotId{static_cast<std::uint32_t>(slots_.size() - 1)};
    }
    found->in_use = true;
    found->pool = pool;
    return found->worker.slot;
}

void WorkerSlots::release(SlotId slot)
{
    WorkerSlot& left = slots_[number(slot)];
    JOBMILL_ASSERT(left.in_use && left.state == WorkerState::gone && left.held.empty());
    JOBMILL_ASSERT(left.filed_under == WorkerSlot::not_filed);
    const WorkerId last = left.worker;
    left = WorkerSlot{};
    left.worker = last;
}

bool WorkerSlots::contains(SlotId slot) const
{
    return slot != no_slot && number(slot) < slots_.size() && slots_[number(slot)].in_use;
}

WorkerSlot* WorkerSlots::find(WorkerId worker)
{
    return contains(worker.slot) && slots_[number(worker.slot)].worker == worker
               ? &slots_[number(worker.slot)]
               : nullptr;
}

}  // namespace jobmill::core
