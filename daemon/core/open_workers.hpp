// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <vector>

#include "daemon/core/worker_slots.hpp"

namespace jobmill::core {

/// The workers of one pool that may be offered a job, filed by how many they hold: who has fewest
/// is found in one step. Of the idle the last to have worked comes first:
/// its caches are warm, and those who are not needed stay idle and may leave. Others take turns.
class OpenWorkers {
public:
    explicit OpenWorkers(std::uint32_t depth) : files_(std::size_t{depth} + 1) {}

    /// Files the worker anew by what it holds now, or takes it out when it is not open. A full one
    /// gets no more, however few it holds.
    void file(WorkerSlots& slots, WorkerSlot& slot, bool open, bool full = false);
    /// One of those that hold fewest; no_slot when there is none, or all are full.
    [[nodiscard]] SlotId least_loaded() const;
    /// One of those that hold most.
    [[nodiscard]] SlotId most_loaded() const;
    /// Whether it is open, and not full.
    [[nodiscard]] bool has_room(const WorkerSlot& slot) const
    {
        return slot.filed_under < files_.size() - 1;
    }

private:
    struct File {
        SlotId first = no_slot;
        SlotId last = no_slot;
    };

    void take_out(WorkerSlots& slots, WorkerSlot& slot);

    std::vector<File> files_;                  ///< by number of held jobs; the last are full
    std::array<std::uint64_t, 5> occupied_{};  ///< a bit for each file that is not empty
};

}  // namespace jobmill::core
