// SPDX-License-Identifier: MIT
#include "daemon/core/open_workers.hpp"

#include <algorithm>
#include <bit>

namespace jobmill::core {

namespace {

constexpr std::uint64_t bit_of(std::uint32_t file)
{
    return std::uint64_t{1} << (file % 64U);
}

}  // namespace

void OpenWorkers::file(WorkerSlots& slots, WorkerSlot& slot, bool open, bool full)
{
    const std::size_t last = files_.size() - 1;
    const std::uint32_t under =
        open ? static_cast<std::uint32_t>(full ? last : std::min(slot.held.size(), last))
             : WorkerSlot::not_filed;
    if (under == slot.filed_under) {
        return;
    }
    if (slot.filed_under != WorkerSlot::not_filed) {
        take_out(slots, slot);
    }
    if (under == WorkerSlot::not_filed) {
        return;
    }
    File& file = files_[under];
    slot.filed_under = under;
    const bool first = under == 0 && slot.has_ended_all();
    slot.previous = first ? no_slot : file.last;
    slot.next = first ? file.first : no_slot;
    (slot.previous == no_slot ? file.first : slots[slot.previous].next) = slot.worker.slot;
    (slot.next == no_slot ? file.last : slots[slot.next].previous) = slot.worker.slot;
    occupied_.at(under / 64U) |= bit_of(under);
}

void OpenWorkers::take_out(WorkerSlots& slots, WorkerSlot& slot)
{
    File& file = files_[slot.filed_under];
    (slot.previous == no_slot ? file.first : slots[slot.previous].next) = slot.next;
    (slot.next == no_slot ? file.last : slots[slot.next].previous) = slot.previous;
    if (file.first == no_slot) {
        occupied_.at(slot.filed_under / 64U) &= ~bit_of(slot.filed_under);
    }
    slot.filed_under = WorkerSlot::not_filed;
}

SlotId OpenWorkers::least_loaded() const
{
    for (std::size_t i = 0; i < occupied_.size(); ++i) {
        if (occupied_.at(i) != 0) {
            const std::size_t fewest =
                i * 64 + static_cast<std::size_t>(std::countr_zero(occupied_.at(i)));
            return fewest + 1 < files_.size() ? files_[fewest].first : no_slot;
        }
    }
    return no_slot;
}

SlotId OpenWorkers::most_loaded() const
{
    for (std::size_t i = occupied_.size(); i-- > 0;) {
        if (occupied_.at(i) != 0) {
            return files_[i * 64 + 63 - static_cast<std::size_t>(std::countl_zero(occupied_.at(i)))]
                .first;
        }
    }
    return no_slot;
}

}  // namespace jobmill::core
