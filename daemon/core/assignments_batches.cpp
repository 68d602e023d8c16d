// SPDX-License-Identifier: MIT
// Batches that give up.
#include "daemon/core/assignments.hpp"
#include "daemon/core/planted_bug.hpp"

namespace jobmill::core {

void Assignments::settle_batches(Turn& turn)
{
    BatchBook& batches = book_.batches();
    for (BatchId batch = batches.begin_halt(); number(batch) != 0; batch = batches.begin_halt()) {
        turn.ask(BatchHalted{.batch = batch});
        workforce_.each_slot([&](WorkerSlot& slot) { halt_held(slot, batch, turn); });
    }
    while (number(batches.halting()) != 0 && !halts_wait_) {
        for (JobHandle at = next_to_halt(turn); at != no_job; at = next_to_halt(turn)) {
            if (unassigned(book_[at].stage)) {
                cancel(at, EndedBy::halt, turn);
            }
        }
        if (!halts_wait_) {
            batches.end_halt();
        }
    }
}

void Assignments::halt_held(WorkerSlot& slot, BatchId batch, Turn& turn)
{
    const bool now = book_.batches().halts_now(batch) && !JOBMILL_BUG(9);
    for (JobHandle at = slot.held.first(); at != no_job; at = book_[at].place.next) {
        if (book_.extras(at).batch == batch && now) {
            cancel(at, EndedBy::halt, turn);
        } else if (book_.extras(at).batch == batch) {
            recall(at, turn);  // unless it runs it ends when it is back
        }
    }
}

/// A job whose turn it is, of a batch that has given up: it would have been cancelled, had there
/// not been so many before it. False when so many have ended that others must have their turn
/// first.
bool Assignments::halt_instead(JobHandle next, Turn& turn)
{
    if (turn.ends_left == 0) {
        return false;
    }
    --turn.ends_left;
    cancel(next, EndedBy::halt, turn);
    return true;
}

/// no_job also when so many have ended that others must have their turn first.
JobHandle Assignments::next_to_halt(Turn& turn)
{
    const JobHandle next = turn.ends_left == 0 ? no_job : book_.next_to_halt();
    halts_wait_ = turn.ends_left == 0;
    turn.ends_left -= next == no_job ? 0 : 1;
    return next;
}

}  // namespace jobmill::core
