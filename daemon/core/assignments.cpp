// SPDX-License-Identifier: MIT
#include "daemon/core/assignments.hpp"

namespace jobmill::core {

void Assignments::offer_what_fits(PoolId pool, Turn& turn)
{
    while (book_.first_queued(pool) != no_job) {
        WorkerSlot* slot = workforce_.least_loaded(pool);
        if (slot == nullptr) {
            return;
        }
        book_.offer(*slot, turn);
        workforce_.step(*slot, WorkerWord::offered, turn);
        workforce_.load_changed(*slot);
    }
}

void Assignments::resize(PoolId pool, std::uint32_t workers, Turn& turn)
{
    workforce_.resize(pool, workers, turn);
    workforce_.each_slot_of(pool, [&](WorkerSlot& slot) {
        if (slot.surplus) {
            call_back(slot, turn);
        }
    });
    offer_what_fits(pool, turn);
}

void Assignments::cancel(JobHandle handle, Turn& turn)
{
    const JobStage before = book_[handle].stage;
    if (!book_.step(handle, JobWord::cancel, turn)) {
        return;
    }
    if (before == JobStage::offered) {
        turn.ask(RevokeClaim{.worker = book_[handle].worker, .sequence = book_[handle].sequence});
    } else if (before == JobStage::claimed) {
        has_begun(workforce_.slots()[book_[handle].worker.slot], handle, turn);
    }
}

void Assignments::recall(JobHandle handle, Turn& turn)
{
    if (book_.step(handle, JobWord::recall, turn)) {
        turn.ask(RevokeClaim{.worker = book_[handle].worker, .sequence = book_[handle].sequence});
    }
}

/// From the last to the first: the worker begins at the front, so most are still to be had, and
/// each comes back before the one that was taken back just now.
void Assignments::call_back(WorkerSlot& slot, Turn& turn)
{
    for (JobHandle at = slot.held.last(); at != no_job; at = book_[at].place.previous) {
        recall(at, turn);
    }
}

/// That job is known to have begun. If it is cancelled, its worker has to stop it; but only while
/// no later one has begun, for then its word is on the way and the worker is at innocent work.
void Assignments::has_begun(WorkerSlot& slot, JobHandle handle, Turn& turn)
{
    if (book_.running(slot) != handle) {
        return;
    }
    if (book_[handle].stage != JobStage::cancelling) {
        workforce_.step(slot, WorkerWord::relieved, turn);
    } else if (workforce_.step(slot, WorkerWord::cancel, turn) == WorkerAction::raise_flag) {
        call_back(slot, turn);
        turn.ask(RaiseCancelFlag{.worker = slot.worker, .sequence = book_[handle].sequence});
    }
}

/// A worker serves in order: a job before that one, unless it was called back, would never end.
bool Assignments::skipped_any_before(const WorkerSlot& slot, JobHandle handle) const
{
    for (JobHandle at = slot.held.first(); at != handle; at = book_[at].place.next) {
        if (!asked_back(book_[at].stage)) {
            return true;
        }
    }
    return false;
}

void Assignments::held_changed(WorkerSlot& slot, Turn& turn)
{
    if (slot.held.empty()) {
        workforce_.step(slot, WorkerWord::emptied, turn);
    } else if (slot.state == WorkerState::cancelling) {
        const JobHandle running = book_.running(slot);
        if (running == no_job || book_[running].stage != JobStage::cancelling) {
            workforce_.step(slot, WorkerWord::relieved, turn);
        }
    }
    workforce_.load_changed(slot);
}

/// What it had begun died with it. Whether it had begun the others too, the edge can still find
/// out.
void Assignments::judge(WorkerSlot& slot, Turn& turn)
{
    for (JobHandle at = slot.held.last(); at != no_job;) {
        const JobHandle previous = book_[at].place.previous;
        if (!book_.step(at, JobWord::died, turn)) {
            recall(at, turn);
        }
        at = previous;
    }
    held_changed(slot, turn);
}

void Assignments::mark_for_stop(WorkerSlot& slot, Turn& turn)
{
    for (JobHandle at = slot.held.first(); at != no_job; at = book_[at].place.next) {
        book_.step(at, JobWord::stop, turn);
    }
}

}  // namespace jobmill::core
