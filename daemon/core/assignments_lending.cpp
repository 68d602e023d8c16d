// SPDX-License-Identifier: MIT
// Jobs that wait for others, or for their readers, and lend their places meanwhile.
#include "daemon/core/assignments.hpp"
#include "daemon/core/planted_bug.hpp"

namespace jobmill::core {

void Assignments::nest(JobHandle child, Turn& turn)
{
    const JobId parent = book_.extras(child).parent;
    const JobHandle waiting = number(parent) == 0 ? no_job : book_.find(parent);
    if (waiting != no_job && book_.lend(waiting)) {
        if (!JOBMILL_BUG(24)) {
            call_back(workforce_.slots()[book_.holding(waiting).worker.slot], turn);
        }
    }
}

void Assignments::pause(JobHandle handle, const JobPaused& word, Turn& turn)
{
    if (unassigned(book_[handle].stage)) {
        return;
    }
    WorkerSlot& slot = workforce_.slots()[book_.holding(handle).worker.slot];
    const bool closes = word.paused && !slot.closed && !JOBMILL_BUG(47);
    if (closes) {
        // For good: it would be given others each time that its reader has read a little.
        slot.closed = true;
        workforce_.load_changed(slot);
    }
    if (book_.pause(handle, word.paused && word.for_long) || closes) {
        call_back(slot, turn);
    }
}

void Assignments::settle_lending(Turn& turn)
{
    for (auto pool = book_.take_lending_changed(); pool; pool = book_.take_lending_changed()) {
        workforce_.lend(*pool, book_.lent(*pool), turn);
        offer_after(*pool, turn);
    }
}

}  // namespace jobmill::core
