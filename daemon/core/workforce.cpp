// SPDX-License-Identifier: MIT
#include "daemon/core/workforce.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/assert.hpp"
#include "daemon/core/deadline_keys.hpp"
#include "daemon/core/respawn_policy.hpp"

namespace jobmill::core {

// ---- workers ------------------------------------------------------------------------------------

WorkerAction Workforce::step(WorkerSlot& slot, WorkerWord word, Turn& turn)
{
    const auto row = row_of(slot.state, word);
    if (!row) {
        return WorkerAction::none;
    }
    // Every deadline belongs to the state that it was set in.
    deadlines_.cancel(key_of(slot));
    slot.state = row->to;
    account(slot, *row);
    act(slot, row->act, turn);
    load_changed(slot);
    if (hiring_ == Hiring::killing) {
        step(slot, WorkerWord::kill, turn);
    } else if (hiring_ == Hiring::closed || slot.surplus || slot.spoilt) {
        step(slot, WorkerWord::dismiss, turn);
    }
    return row->act;
}

void Workforce::account(WorkerSlot& slot, const WorkerRow& row)
{
    // Nobody waits for one that is condemned, but for its last words once it is dead after all.
    const bool was_filled = row.from != WorkerState::gone && row.from != WorkerState::condemned;
    const bool is_filled = row.to != WorkerState::gone && row.to != WorkerState::condemned;
    filled_ += is_filled && !was_filled ? 1U : 0U;
    filled_ -= was_filled && !is_filled ? 1U : 0U;
    if (row.on == WorkerWord::forked || row.act == WorkerAction::welcome) {
        const bool known = row.from != WorkerState::forking;
        if (!known && slot.processes++ > 0) {
            ++crew_of(slot.pool).restarts;
        }
    }
}

void Workforce::act(WorkerSlot& slot, WorkerAction action, Turn& turn)
{
    switch (action) {
        case WorkerAction::none:
        case WorkerAction::judge:
            break;
        case WorkerAction::ask:
            ++slot.worker.generation;
            slot.next_sequence = Sequence{1};
            slot.newest_finished = {};
            slot.jobs_done = 0;
            slot.let_wait = {};
            slot.hung = false;
            slot.worn = slot.spoilt = slot.faulty = slot.limited = false;
            slot.closed = false;
            slot.listened = slot.overdue = {};
            ++slot.unready_forks;
            turn.ask(ForkWorker{.pool = slot.pool, .worker = slot.worker});
            break;
        case WorkerAction::await:
            wait(slot, patience_.start + crew_of(slot.pool).terms.more_to_start, turn);
            break;
        case WorkerAction::welcome:
            slot.unready_forks = 0;
            slot.born = turn.now;
            relieve(slot, turn);
            rest(slot, turn);
            break;
        case WorkerAction::rest:
            rest(slot, turn);
            break;
        case WorkerAction::raise_flag:
            slot.stop_by = turn.now + patience_.cancel;
            deadlines_.set(key_of(slot), slot.stop_by);
            break;
        case WorkerAction::hurry:
            // Never later than before, however often it is said.
            deadlines_.set(key_of(slot),
                           std::min(slot.stop_by, turn.now + (slot.notes_stack ? patience_.stack
                                                                               : patience_.deaf)));
            break;
        case WorkerAction::terminate:
            turn.ask(TerminateWorker{.worker = slot.worker});
            wait(slot, patience_.terminate, turn);
            break;
        case WorkerAction::let_go:
            turn.ask(DismissWorker{.worker = slot.worker});
            wait(slot, patience_.dismiss, turn);
            break;
        case WorkerAction::kill:
            turn.ask(KillWorker{.worker = slot.worker});
            wait(slot, patience_.reap, turn);
            break;
        case WorkerAction::condemn:
            turn.ask(CondemnWorker{.worker = slot.worker});
            break;
        case WorkerAction::vacate:
            vacate(slot, turn);
            break;
    }
}

void Workforce::wait(const WorkerSlot& slot, Duration patience, Turn& turn)
{
    deadlines_.set(key_of(slot), turn.now + patience);
}

void Workforce::vacate(WorkerSlot& slot, Turn& turn)
{
    Crew& crew = crew_of(slot.pool);
    slot.worn = slot.spoilt = false;
    hand_over(slot);
    Duration delay = worker_delay(slot.unready_forks, patience_);
    if (crew.storm.degraded()) {
        delay = std::max(delay, patience_.probe);
    }
    if (delay > Duration::zero() && hiring_ == Hiring::open) {
        wait(slot, delay, turn);
    }
    fill(slot, turn);
    replace_worn(crew, turn);
}

/// Whoever stands in for it has its place now.
void Workforce::hand_over(WorkerSlot& slot)
{
    for (const SlotId each : crew_of(slot.pool).slots) {
        if (slots_[each].stands_in_for == slot.worker.slot) {
            slots_[each].stands_in_for = no_slot;
            slot.surplus = true;
        }
    }
}

/// In a pool that may shrink nobody is idle for ever.
void Workforce::rest(WorkerSlot& slot, Turn& turn)
{
    const Crew& crew = crew_of(slot.pool);
    const bool may_leave = crew.terms.idle_timeout != forever && can_spare_one(crew);
    if (may_leave) {
        wait(slot, crew.terms.idle_timeout, turn);
    } else {
        deadlines_.cancel(key_of(slot));
    }
}

// ---- storms -------------------------------------------------------------------------------------

WorkerAction Workforce::exited(WorkerSlot& slot, bool blameless, Turn& turn)
{
    const bool unasked = slot.faulty || slot.state == WorkerState::forking ||
                         slot.state == WorkerState::starting || slot.state == WorkerState::idle ||
                         slot.state == WorkerState::busy;
    Crew& crew = crew_of(slot.pool);
    if (unasked && !blameless && !slot.surplus && hiring_ == Hiring::open &&
        crew.storm.crashed(turn.now, crew.workers, patience_)) {
        turn.ask(PoolJudged{.pool = crew.pool, .degraded = true});
        deadlines_.set(probe_key(crew.pool), turn.now + patience_.probe);
    }
    const bool was_condemned = slot.state == WorkerState::condemned;
    const WorkerAction action = step(slot, WorkerWord::exited, turn);
    if (was_condemned) {
        staff(crew, turn);  // one less is lost
    }
    return action;
}

void Workforce::misbehaved(WorkerSlot& slot, Turn& turn)
{
    slot.faulty = step(slot, WorkerWord::kill, turn) == WorkerAction::kill || slot.faulty;
}

void Workforce::completed_one(WorkerSlot& slot, Turn& turn)
{
    Crew& crew = crew_of(slot.pool);
    if (crew.storm.completed()) {
        deadlines_.cancel(probe_key(crew.pool));
        turn.ask(PoolJudged{.pool = crew.pool, .degraded = false});
    }
    ++slot.jobs_done;
    if (used_up(crew, slot) || turn.now >= after(slot.born, crew.terms.recycle_age)) {
        wear(slot, turn);
    }
}

void Workforce::offered_one(const WorkerSlot& slot, Turn& turn)
{
    Crew& crew = crew_of(slot.pool);
    crew.offered_last = slot.worker.slot;
    if (crew.storm.degraded()) {
        crew.storm.probed();
        deadlines_.set(probe_key(slot.pool), turn.now + patience_.probe);
    }
}

// ---- load ---------------------------------------------------------------------------------------

void Workforce::load_changed(WorkerSlot& slot)
{
    Crew& crew = crew_of(slot.pool);
    // Somebody may rely on it that a process runs no more jobs than so many.
    const bool fresh = slot.jobs_done + slot.held.size() < crew.terms.recycle_jobs;
    const bool open = takes_jobs(slot.state) && !slot.surplus && !slot.spoilt && fresh &&
                      slot.lending == 0 && !slot.closed && !slot.overruns() &&
                      slot.has_free_claim();
    crew.open.file(slots_, slot, open);
}

void Workforce::mark_full(WorkerSlot& slot)
{
    // Of who holds but one job nobody gets any.
    crew_of(slot.pool).open.file(slots_, slot, slot.held.size() > 1, true);
}

WorkerSlot* Workforce::most_loaded(PoolId pool)
{
    const SlotId slot = crew_of(pool).open.most_loaded();
    return slot == no_slot ? nullptr : &slots_[slot];
}

WorkerSlot* Workforce::deadline_passed(DeadlineKey key, Turn& turn)
{
    if (key.kind == DeadlineKey::Kind::pool) {
        Crew& crew = crew_of(PoolId{static_cast<std::uint16_t>(key.number)});
        if (crew.template_state == TemplateState::absent) {
            start_template(crew, turn);
        } else {
            kill_template(crew, turn);
        }
        return nullptr;
    }
    if (key.kind == DeadlineKey::Kind::probe) {
        crew_of(PoolId{static_cast<std::uint16_t>(key.number)}).storm.allow_probe();
        return nullptr;
    }
    WorkerSlot& slot = slots_[SlotId{key.number}];
    Crew& crew = crew_of(slot.pool);
    if (slot.state == WorkerState::gone) {
        fill(slot, turn);
        return nullptr;
    }
    if (slot.state == WorkerState::idle && !can_spare_one(crew)) {
        return nullptr;  // it is needed by now
    }
    if (step(slot, WorkerWord::deadline, turn) != WorkerAction::condemn) {
        return nullptr;
    }
    hand_over(slot);
    slot.stands_in_for = no_slot;
    slot.surplus = true;  // its place is taken, even if it should become free
    staff(crew, turn);
    replace_worn(crew, turn);
    return &slot;
}

// ---- the end ------------------------------------------------------------------------------------

void Workforce::close(Turn& turn)
{
    stop_hiring(Hiring::closed, WorkerWord::dismiss, turn);
}

void Workforce::kill_all(Turn& turn)
{
    stop_hiring(Hiring::killing, WorkerWord::kill, turn);
}

void Workforce::stop_hiring(Hiring hiring, WorkerWord word, Turn& turn)
{
    hiring_ = hiring;
    for (const Crew& crew : crews_) {
        deadlines_.cancel(key_of(crew.pool));
        deadlines_.cancel(probe_key(crew.pool));
    }
    each_slot([&](WorkerSlot& slot) {
        if (slot.state == WorkerState::gone) {
            deadlines_.cancel(key_of(slot));
        }
        step(slot, word, turn);
    });
}

// ---- answers ------------------------------------------------------------------------------------

WorkerSlot* Workforce::least_loaded(PoolId pool)
{
    const SlotId slot = crew_of(pool).open.least_loaded();
    return slot == no_slot ? nullptr : &slots_[slot];
}

WorkerSlot* Workforce::offered_last(PoolId pool)
{
    const Crew& crew = crew_of(pool);
    if (crew.offered_last == no_slot) {
        return nullptr;
    }
    WorkerSlot& slot = slots_[crew.offered_last];
    return slot.pool == pool && !slot.held.empty() && crew.open.has_room(slot) ? &slot : nullptr;
}

void Workforce::count(PoolId pool, PoolCounts& counts) const
{
    const Crew& crew = crews_[number(pool)];
    counts.restarts = crew.restarts;
    counts.lent = crew.lent;
    counts.degraded = crew.storm.degraded();
    for (const SlotId each : crew.slots) {
        const WorkerSlot& slot = slots_[each];
        counts.workers += serves(slot.state) ? 1U : 0U;
        counts.busy += serves(slot.state) && !slot.held.empty() ? 1U : 0U;
        counts.surplus += slot.surplus && may_stay(slot.state) ? 1U : 0U;
        counts.condemned += slot.state == WorkerState::condemned ? 1U : 0U;
    }
}

Workforce::Crew& Workforce::crew_of(PoolId pool)
{
    JOBMILL_ASSERT(number(pool) < crews_.size() && !crews_[number(pool)].slots.empty());
    return crews_[number(pool)];
}

}  // namespace jobmill::core
