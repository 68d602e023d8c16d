// SPDX-License-Identifier: MIT
// What happens to jobs.
#include "common/assert.hpp"
#include "daemon/core/dispatcher_state.hpp"
#include "daemon/core/planted_bug.hpp"

namespace jobmill::core {

void Dispatcher::State::handle(const JobSubmitted& event, Turn& turn)
{
    const JobHandle handle = book.admit(event, turn.now);
    if (life != DaemonLife::serving) {
        book.step(handle, JobWord::stop, turn);
        return;
    }
    if (book.batches().halted(book.extras(handle).batch)) {
        assignments.cancel(handle, EndedBy::halt, turn);
        return;
    }
    assignments.nest(handle, turn);
    if (!event.more) {
        assignments.offer_what_fits(event.pool, turn);
    }
}

/// Several pools may have got some, and compete for what all may run together.
void Dispatcher::State::handle(const SubmitsHeard& event, Turn& turn)
{
    if (!JOBMILL_BUG(56)) {
        assignments.offer_after(event.pool, turn);
    }
}

void Dispatcher::State::handle(const CancelRequested& event, Turn& turn)
{
    const JobHandle handle = book.find(event.job);
    if (handle == no_job) {
        return;
    }
    if (event.unless_running && !JOBMILL_BUG(41)) {
        assignments.waive(handle, turn);
    } else {
        assignments.cancel(handle, EndedBy::cancel, turn);
    }
}

void Dispatcher::State::handle(const JobMoved& event, Turn& turn)
{
    const JobHandle handle = book.find(event.job);
    if (handle != no_job && life == DaemonLife::serving) {
        book.move(handle, event.to, event.handler, turn.now);
        assignments.offer_what_fits(event.to, turn);
    }
}

void Dispatcher::State::handle(const JobRelabelled& event, Turn& turn)
{
    const JobHandle handle = book.find(event.job);
    if (handle != no_job) {
        const PoolId pool = book[handle].pool;
        book.relabel(handle, event.label, turn.now);
        assignments.offer_after(pool, turn);  // its old label may have another one running
    }
}

void Dispatcher::State::handle(const BatchOpened& event, Turn& /*turn*/)
{
    book.batches().open(event);
}

void Dispatcher::State::handle(const BatchClosed& event, Turn& /*turn*/)
{
    book.batches().close(event.batch);
}

void Dispatcher::State::handle(const SessionLost& event, Turn& turn)
{
    book.catch_up(event.session);
    for (JobHandle handle = book.detach_one(event.session); handle != no_job;
         handle = book.detach_one(event.session)) {
        assignments.cancel(handle, EndedBy::cancel, turn);
    }
}

void Dispatcher::State::handle(const SessionBehind& event, Turn& turn)
{
    if (event.behind) {
        book.fall_behind(event.session);
        assignments.fall_behind(event.session, turn);
    } else if (book.catch_up(event.session)) {
        assignments.offer_everywhere(turn);
    }
}

void Dispatcher::State::handle(const UserSuspended& event, Turn& turn)
{
    if (book.suspend(event.user, event.suspended)) {
        assignments.offer_everywhere(turn);
    }
}

void Dispatcher::State::handle(const JobPaused& event, Turn& turn)
{
    const JobHandle handle = book.find(event.job);
    if (handle != no_job) {
        assignments.pause(handle, event, turn);
    }
}

void Dispatcher::State::handle(const JobFinished& event, Turn& turn)
{
    JOBMILL_ASSERT(event.state == JobState::succeeded || event.state == JobState::failed);
    if (WorkerSlot* slot = speaking(event.worker)) {
        const JobHandle handle = book.held_under(*slot, event.sequence);
        if (handle == no_job) {
            workforce.misbehaved(*slot, turn);
        } else {
            assignments.finished(*slot, handle, event, turn);
        }
    }
    // Once for all that came together: the worker gets as many as it is done with in one go.
    if (!event.more) {
        offer_after_words_of(event.worker, turn);
    }
}

void Dispatcher::State::handle(const WordsHeard& event, Turn& turn)
{
    if (!JOBMILL_BUG(45)) {
        offer_after_words_of(event.worker, turn);
    }
}

/// Whatever it said: others of its words may have been results that promised more.
void Dispatcher::State::offer_after_words_of(WorkerId worker, Turn& turn)
{
    if (const WorkerSlot* slot = workforce.slots().find(worker)) {
        assignments.offer_after(slot->pool, turn);
    }
}

void Dispatcher::State::handle(const ClaimRevoked& event, Turn& turn)
{
    WorkerSlot* slot = workforce.slots().find(event.worker);
    const JobHandle handle = slot == nullptr ? no_job : book.held_under(*slot, event.sequence);
    if (handle == no_job || !asked_back(book[handle].stage)) {
        ++stale;  // the job's own end has overtaken the answer
        return;
    }
    const PoolId pool = slot->pool;
    const PoolId comes_to = book.comes_back_to(handle);
    if (event.won || JOBMILL_BUG(1)) {
        assignments.won(*slot, handle, turn);
    } else {
        assignments.lost(*slot, handle, turn);
    }
    assignments.held_changed(*slot, turn);
    assignments.offer_after(pool, turn);
    if (comes_to != pool) {
        assignments.offer_what_fits(comes_to, turn);
    }
}

}  // namespace jobmill::core
