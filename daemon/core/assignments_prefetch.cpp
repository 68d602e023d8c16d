// SPDX-License-Identifier: MIT
// Jobs that workers hold ahead of their turns, and that are taken back when others could run them.
#include <algorithm>
#include <utility>

#include "daemon/core/assignments.hpp"
#include "daemon/core/deadline_keys.hpp"
#include "daemon/core/planted_bug.hpp"

namespace jobmill::core {

/// How much work a worker has before it. An eighth of the time for which what is queued keeps the
/// pool's workers busy: a job that comes later, and goes first, waits but so much longer. Half of
/// it while there was nobody else for long: who comes then makes them give back the rest.
Duration Assignments::ahead(PoolId pool, TimePoint now)
{
    Prefetch& prefetch = prefetch_of(pool);
    const bool undisturbed = now - prefetch.disturbed >= patience_.undisturbed;
    const Duration most = undisturbed ? patience_.most_ahead_of_one : patience_.most_ahead;
    if (patience_.ahead == forever || patience_.ahead >= most) {
        return patience_.ahead;
    }
    // More jobs, or longer ones, would only come to more than `most` as well.
    const auto queued =
        static_cast<Duration::rep>(std::min<std::size_t>(book_.queued(pool), 1'000'000));
    const Duration each = std::min<Duration>(book_.pace(pool).lately(), std::chrono::seconds{1000});
    const std::uint32_t workers = std::max(1U, workforce_.size(pool));
    const Duration all = each * queued;
    // The rule for a long queue, without a division for each offer.
    if (all >= most * workers * (undisturbed ? 2 : 8) && (prefetch.deep || !undisturbed)) {
        return most;
    }
    const Duration busy = all / workers;
    const Duration most_usual = std::max(patience_.ahead, std::min(most, patience_.most_ahead));
    const Duration usual = std::clamp(busy / 8, patience_.ahead, most_usual);
    const Duration work = undisturbed ? std::clamp(busy / 2, usual, most) : usual;
    prefetch.deep = prefetch.deep || work > usual;
    return work;
}

/// Whether a worker may hold the job ahead, which has so much work before it at most. Of a handler
/// of which nothing is known nobody can tell.
bool Assignments::fits(JobHandle handle, const WorkerSlot& slot, Duration work) const
{
    const Job& job = book_[handle];
    if (book_.terms(handle).alone || (slot.bulk + job.bulk > most_bulk && !JOBMILL_BUG(48))) {
        return false;
    }
    const Duration takes = book_.pace(job.pool).lately(job.handler);
    return work == forever || (takes > Duration{} && takes <= work - slot.work_ahead);
}

/// Whether a worker that has jobs has done this one before an idle one would be awake.
bool Assignments::soon_done(JobHandle handle, const WorkerSlot& by, TimePoint now) const
{
    const Duration wake = JOBMILL_BUG(43) ? patience_.wake * 4 : patience_.wake;
    const TimePoint late = after(book_.holding(book_.front(by)).started, patience_.late);
    return (now < late || JOBMILL_BUG(44)) && fits(handle, by, wake);
}

/// Jobs of several lanes are queued: the one whose turn it is does not wait for what workers were
/// given ahead while there was nobody else. Each keeps what it would have now.
void Assignments::make_way(PoolId pool, Turn& turn)
{
    Prefetch& prefetch = prefetch_of(pool);
    prefetch.disturbed = turn.now;
    if (!std::exchange(prefetch.deep, false)) {
        return;
    }
    const Duration most = ahead(pool, turn.now);
    workforce_.each_slot_of(pool, [&](WorkerSlot& slot) {
        Duration left = slot.work_ahead;
        const JobHandle front = book_.front(slot);
        for (JobHandle at = slot.held.last(); at != front && left > most;
             at = book_[at].place.previous) {
            left -= book_.holding(at).expected;
            recall(at, turn);
        }
    });
}

void Assignments::suspend(PoolId pool, bool suspended, Turn& turn)
{
    workforce_.suspend(pool, suspended);
    if (suspended) {
        workforce_.each_slot_of(pool, [&](WorkerSlot& slot) { call_back(slot, turn); });
    } else {
        offer_what_fits(pool, turn);
    }
}

void Assignments::judge_memory(bool low, Turn& turn)
{
    memory_low_ = low;
    if (low) {
        workforce_.each_slot([&](WorkerSlot& slot) { call_back(slot, turn); });
    } else {
        offer_everywhere(turn);
    }
}

/// Nobody reads what its jobs would say: those that stand behind another in a worker come back, and
/// wait with the others of the session. What is in front has begun, or is about to.
void Assignments::fall_behind(SessionId session, Turn& turn)
{
    workforce_.each_slot([&](WorkerSlot& slot) {
        if (slot.held.size() < 2) {
            return;
        }
        const JobHandle front = book_.front(slot);
        for (JobHandle at = slot.held.last(); at != front; at = book_[at].place.previous) {
            if (book_[at].attached && book_.whose(at).session == session) {
                recall(at, turn);
            }
        }
    });
}

/// A worker has nothing to do, and nothing is queued: it gets half of what another holds.
void Assignments::share_out(PoolId pool, Turn& turn)
{
    const bool has_use = patience_.ahead != forever && !JOBMILL_BUG(33) &&
                         book_.working(pool) > 1 && book_.queued(pool) == 0 && may_offer(pool);
    const WorkerSlot* idle = has_use ? workforce_.least_loaded(pool) : nullptr;
    if (idle == nullptr || !idle->held.empty()) {
        return;
    }
    const WorkerSlot* rich = workforce_.most_loaded(pool);
    if (rich->work_ahead <= patience_.wake) {
        return;  // which has it done before the other is awake
    }
    std::size_t left = rich->held.size() / 2;
    // Where one has begun, all before it have.
    for (JobHandle at = rich->held.last(); left > 0 && !begun(book_[at].stage); --left) {
        recall(at, turn);
        at = book_[at].place.previous;
    }
}

Assignments::Prefetch& Assignments::prefetch_of(PoolId pool)
{
    if (number(pool) >= prefetch_.size()) {
        prefetch_.resize(std::size_t{number(pool)} + 1);
    }
    return prefetch_[number(pool)];
}

/// Who has much work before it may let results wait for one another for a while before anybody
/// asks, and nobody does before what is in front should be done.
Duration Assignments::overrun(const WorkerSlot& slot) const
{
    const Duration front = book_.holding(book_.front(slot)).expected;
    return std::max(front + patience_.overrun, std::min(slot.work_ahead, patience_.gather));
}

/// The clock is looked at once in a while: it is not set anew for each job, but once it would go
/// off long before what is in front now is late.
void Assignments::watch_overrun(const WorkerSlot& slot)
{
    if (patience_.ahead == forever || slot.held.size() < 2 || JOBMILL_BUG(34)) {
        return;
    }
    Deadlines& deadlines = workforce_.deadlines();
    const DeadlineKey key = overrun_key(slot);
    const TimePoint late = after(book_.holding(book_.front(slot)).started, overrun(slot));
    const TimePoint due = deadlines.due(key);
    // Once its words are waited for, it has no more time, however long such jobs take elsewhere.
    const bool last = slot.listened == slot.oldest_held;
    if (due == never || (!last && late - due >= patience_.overrun)) {
        deadlines.set(key, late);
    }
}

void Assignments::overran(WorkerSlot& slot, Turn& turn)
{
    if (slot.held.size() < 2 || !speaks(slot.state)) {
        return;
    }
    if (slot.listened != slot.oldest_held) {
        if (turn.now < after(book_.holding(book_.front(slot)).started, overrun(slot))) {
            watch_overrun(slot);  // another has begun meanwhile
            return;
        }
        // It may be done long since, and nobody has come to read it.
        slot.listened = slot.oldest_held;
        turn.ask(CollectWords{.worker = slot.worker});
        workforce_.deadlines().set(overrun_key(slot), after(turn.now, patience_.overrun));
        return;
    }
    slot.overdue = slot.oldest_held;
    workforce_.load_changed(slot);
    // Not the first: had the worker not begun it for want of time, it would never begin any.
    const JobHandle front = book_.front(slot);
    for (JobHandle at = slot.held.last(); at != front; at = book_[at].place.previous) {
        recall(at, turn);
    }
}

}  // namespace jobmill::core
