// SPDX-License-Identifier: MIT
#include "daemon/core/assignments.hpp"

#include <algorithm>

#include "daemon/core/planted_bug.hpp"
#include "daemon/core/retry_policy.hpp"

namespace jobmill::core {

// ---- offers -------------------------------------------------------------------------------------

/// Jobs that wait for their own jobs do not count: else those could wait for ever.
bool Assignments::may_offer(PoolId pool) const
{
    return (!memory_low_ || JOBMILL_BUG(17)) && workforce_.may_offer(pool) &&
           book_.working() < max_running_ &&
           book_.working(pool) <
               std::uint64_t{workforce_.terms(pool).max_running} + (JOBMILL_BUG(4) ? 1U : 0U);
}

/// So many of the pool's jobs, about, could begin now if there were workers for them.
std::size_t Assignments::startable(PoolId pool)
{
    const auto left = [](std::uint64_t most, std::uint64_t working) {
        return most - std::min(most, working);
    };
    return std::min({std::uint64_t{book_.startable(pool)}, left(max_running_, book_.working()),
                     left(workforce_.terms(pool).max_running, book_.working(pool))});
}

/// False when none of the pool's jobs can go to any worker now.
bool Assignments::offer_one(PoolId pool, Turn& turn)
{
    if (book_.queued(pool) == 0 || !may_offer(pool)) {
        return false;
    }
    if (book_.lanes(pool) > 1) {
        make_way(pool, turn);
    }
    WorkerSlot* slot = workforce_.least_loaded(pool);
    const auto nobody = [&] { return slot == nullptr && !workforce_.grows(pool); };
    if (nobody()) {
        return false;
    }
    const Duration work = ahead(pool, turn.now);
    // Who holds fewest may have most work; each is passed by once until it holds others.
    const auto pass_by = [&](auto unfit) {
        while (slot != nullptr && !slot->held.empty() && unfit(*slot)) {
            workforce_.mark_full(*slot);
            slot = workforce_.least_loaded(pool);
        }
    };
    pass_by([&](const WorkerSlot& each) { return each.work_ahead >= work; });
    if (nobody()) {
        return false;
    }
    const JobHandle next = book_.next_of(pool);
    if (next == no_job) {
        return false;  // each waits for others of its label, or for its client to read
    }
    pass_by([&](const WorkerSlot& each) { return !fits(next, each, work); });
    if (slot != nullptr && slot->held.empty() && patience_.ahead != forever) {
        WorkerSlot* const awake = workforce_.offered_last(pool);
        slot = awake != nullptr && soon_done(next, *awake, turn.now) ? awake : slot;
    }
    if (book_.batches().settling(book_.extras(next).batch) && !JOBMILL_BUG(29)) {
        return halt_instead(next, turn);
    }
    if (slot == nullptr) {
        if (workforce_.has_vacancy(pool)) {
            workforce_.call_up(pool, startable(pool), turn);
        }
        return false;
    }
    shares_.serve(pool, book_.expected(pool), workforce_.terms(pool).weight);
    book_.offer(next, *slot, turn);
    workforce_.step(*slot, WorkerWord::offered, turn);
    workforce_.load_changed(*slot);
    workforce_.offered_one(*slot, turn);
    watch_overrun(*slot);
    return true;
}

void Assignments::offer_what_fits(PoolId pool, Turn& turn)
{
    settle_lending(turn);
    while (offer_one(pool, turn)) {
    }
    share_out(pool, turn);
}

/// Where pools compete for what all may have together, the one that has had least goes first.
void Assignments::offer_everywhere(Turn& turn)
{
    settle_lending(turn);
    std::vector<PoolId>& rivals = rivals_;
    rivals.clear();
    for (std::size_t i = 0; i < book_.pools(); ++i) {
        const PoolId pool{static_cast<std::uint16_t>(i)};
        if (book_.queued(pool) > 0) {
            rivals.push_back(pool);
        }
    }
    while (!rivals.empty()) {
        const auto next = std::min_element(
            rivals.begin(), rivals.end(),
            [this](PoolId a, PoolId b) { return shares_.standing(a) < shares_.standing(b); });
        if (!offer_one(*next, turn)) {
            rivals.erase(next);
        }
    }
    for (std::size_t i = 0; i < book_.pools(); ++i) {
        share_out(PoolId{static_cast<std::uint16_t>(i)}, turn);
    }
}

void Assignments::offer_after(PoolId pool, Turn& turn)
{
    if (max_running_ != no_bound || book_.labels().any()) {
        offer_everywhere(turn);
    } else {
        offer_what_fits(pool, turn);
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

// ---- taking back --------------------------------------------------------------------------------

void Assignments::recall(JobHandle handle, Turn& turn)
{
    if (book_.step(handle, JobWord::recall, turn)) {
        revoke(handle, turn);
    }
}

void Assignments::revoke(JobHandle handle, Turn& turn)
{
    const Holding& holding = book_.holding(handle);
    turn.ask(RevokeClaim{.worker = holding.worker, .sequence = holding.sequence});
}

/// From the last to the first: the worker begins at the front, so most are still to be had, and
/// each comes back before the one that was taken back just now.
void Assignments::call_back(WorkerSlot& slot, Turn& turn)
{
    for (JobHandle at = slot.held.last(); at != no_job; at = book_[at].place.previous) {
        recall(at, turn);
    }
}

void Assignments::won(WorkerSlot& slot, JobHandle handle, Turn& turn)
{
    if (const TimePoint started = book_.holding(handle).started; started != never) {
        slot.let_wait += turn.now - started;
    }
    const bool stuck = slot.hung || slot.let_wait >= patience_.claim;
    const bool returns = book_[handle].stage == JobStage::recalled;
    book_.step(handle, JobWord::won, turn);
    if (returns && !retries_) {
        book_.step(handle, JobWord::stop, turn);
    } else if (returns && book_[handle].expires <= turn.now && !JOBMILL_BUG(49)) {
        book_.step(handle, JobWord::expire, turn);
    } else if (returns && book_.batches().halted(book_.extras(handle).batch)) {
        cancel(handle, EndedBy::halt, turn);
    }
    if (stuck && serves(slot.state)) {
        workforce_.misbehaved(slot, turn);
    }
}

void Assignments::lost(WorkerSlot& slot, JobHandle handle, Turn& turn)
{
    const Sequence sequence = book_.holding(handle).sequence;
    slot.let_wait = {};
    slot.hung = false;
    let_be(handle, turn);
    book_.step(handle, JobWord::lost, turn);
    if (ending_) {
        book_.step(handle, JobWord::stop, turn);
    }
    if (!speaks(slot.state)) {
        conclude(handle, slot.limited && !JOBMILL_BUG(22) ? JobWord::limited : JobWord::died, turn);
    } else if (sequence < slot.newest_finished) {
        // It has begun this one, finished a later one, and will never say how this one ended.
        workforce_.misbehaved(slot, turn);
    } else {
        has_begun(slot, handle, turn);
        if (handle != book_.front(slot) && !JOBMILL_BUG(50)) {
            turn.ask(HearOut{.worker = slot.worker});
        }
    }
}

// ---- endings ------------------------------------------------------------------------------------

/// That job is known to have begun. If it is unwanted, its worker has to stop it; but only while
/// no later one has begun, for then its word is on the way and the worker is at innocent work.
void Assignments::has_begun(WorkerSlot& slot, JobHandle handle, Turn& turn)
{
    if (book_.running(slot) != handle && !JOBMILL_BUG(20)) {
        return;
    }
    const JobStage stage = book_[handle].stage;
    if (!unwanted(stage)) {
        workforce_.step(slot, WorkerWord::relieved, turn);
    } else if (workforce_.step(slot, WorkerWord::cancel, turn) == WorkerAction::raise_flag) {
        call_back(slot, turn);
        slot.notes_stack = stage == JobStage::timing_out;
        if (slot.notes_stack) {
            turn.ask(TakeStack{.worker = slot.worker});
        }
        turn.ask(
            RaiseCancelFlag{.worker = slot.worker, .sequence = book_.holding(handle).sequence});
    }
}

void Assignments::time_out(JobHandle handle, EndedBy why, Turn& turn)
{
    if (row_of(book_[handle].stage, JobWord::timeout)) {
        book_.blame(handle, why);
        book_.step(handle, JobWord::timeout, turn);
        has_begun(workforce_.slots()[book_.holding(handle).worker.slot], handle, turn);
    }
}

void Assignments::deadline(JobHandle handle, Turn& turn)
{
    const JobStage stage = book_[handle].stage;
    if (unassigned(stage)) {
        if (book_[handle].expires <= turn.now) {
            book_.step(handle, JobWord::expire, turn);
        } else {
            book_.step(handle, JobWord::due, turn);
        }
    } else if (stage == JobStage::offered) {
        // Either it runs, and its time may be over, or its worker is stuck: the answer tells.
        recall(handle, turn);
    } else {
        time_out(handle, EndedBy::timeout, turn);
    }
}

void Assignments::hung(WorkerSlot& slot, Turn& turn)
{
    const JobHandle running = book_.running(slot);
    if (running != no_job) {
        time_out(running, EndedBy::hang, turn);
    } else if (const JobHandle front = book_.front(slot); front != no_job) {
        slot.hung = true;
        recall(front, turn);
    }
}

void Assignments::finished(WorkerSlot& slot, JobHandle handle, const JobFinished& word, Turn& turn)
{
    const bool skipped = skipped_any_before(slot, handle);
    slot.newest_finished = std::max(slot.newest_finished, word.sequence);
    slot.let_wait = {};
    slot.hung = false;
    const TimePoint started = book_.holding(handle).started;
    const Duration ran = started == never ? Duration{1} : turn.now - started;
    // Results come together: by our clock the first has taken all the time, and the others none.
    book_.pace(slot.pool).ran(book_[handle].handler, word.ran > Duration::zero() ? word.ran : ran);
    // Workers are what is shared: who sleeps in one keeps it from others, too. While it lent its
    // place, it did not.
    const Duration took =
        book_[handle].waited || JOBMILL_BUG(55) ? word.cpu : std::max(word.cpu, word.ran);
    book_.charge(handle, took > Duration::zero() ? took : std::max(ran, Duration{1}));
    if (word.bulky) {
        // Whoever does not read stops what is queued, not what workers are done with.
        prefetch_of(slot.pool).disturbed = turn.now;
    }
    conclude(handle, word.state == JobState::succeeded ? JobWord::succeeded : JobWord::failed,
             turn);
    workforce_.completed_one(slot, turn);
    if (skipped) {
        workforce_.misbehaved(slot, turn);
    }
    held_changed(slot, turn);
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

/// The attempt ends by that word; the job with it, unless it has another.
void Assignments::conclude(JobHandle handle, JobWord word, Turn& turn)
{
    const auto row = row_of(book_[handle].stage, word);
    if (!row) {
        return;
    }
    const bool repeatable = row_of(row->from, JobWord::retry).has_value();
    if (repeatable && row->act.state != JobState::succeeded) {
        const JobExtras& extras = book_.extras(handle);
        Tries tries{.attempts = extras.attempt, .crashes = extras.crashes};
        if (row->act.state == JobState::crashed) {
            tries.crashes = book_.count_crash(handle);
        }
        const bool poison = row->act.state == JobState::crashed && !JOBMILL_BUG(8) &&
                            is_poison(tries, workforce_.terms(book_[handle].pool));
        if (poison) {
            book_.mark_poison(handle);
        }
        const bool last = poison || !retries_ || book_.batches().halted(book_.extras(handle).batch);
        const auto wait =
            last ? std::nullopt
                 : next_attempt(book_.terms(handle), row->act.state, tries, random_.chance());
        if (wait) {
            let_be(handle, turn);
            book_.retry(handle, row->act, *wait, turn);
            return;
        }
    }
    book_.step(handle, word, turn);
}

// ---- workers ------------------------------------------------------------------------------------

void Assignments::held_changed(WorkerSlot& slot, Turn& turn)
{
    if (slot.held.empty()) {
        slot.closed = false;
        workforce_.step(slot, WorkerWord::emptied, turn);
    } else {
        if (slot.state == WorkerState::cancelling) {
            const JobHandle running = book_.running(slot);
            if (running == no_job || !unwanted(book_[running].stage)) {
                workforce_.step(slot, WorkerWord::relieved, turn);
            }
        }
        book_.watch_front(slot, turn.now);
    }
    workforce_.load_changed(slot);
}

/// What it had begun died with it. Whether it had begun the others too, the edge can still find
/// out.
void Assignments::judge(WorkerSlot& slot, Turn& turn)
{
    for (JobHandle at = slot.held.last(); at != no_job;) {
        const JobHandle previous = book_[at].place.previous;
        if (begun(book_[at].stage)) {
            conclude(at, slot.limited ? JobWord::limited : JobWord::died, turn);
        } else {
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
