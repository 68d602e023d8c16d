// SPDX-License-Identifier: MIT
#include "daemon/core/workforce.hpp"

#include <algorithm>
#include <utility>

#include "common/assert.hpp"
#include "daemon/core/respawn_policy.hpp"

namespace jobmill::core {

namespace {

DeadlineKey key_of(const WorkerSlot& slot)
{
    return {.kind = DeadlineKey::Kind::slot, .number = number(slot.worker.slot)};
}

DeadlineKey key_of(PoolId pool)
{
    return {.kind = DeadlineKey::Kind::pool, .number = number(pool)};
}

/// Whether its process is not on its way out.
bool may_stay(WorkerState state)
{
    return serves(state) || state == WorkerState::forking || state == WorkerState::starting;
}

}  // namespace

// ---- templates ----------------------------------------------------------------------------------

void Workforce::add_pool(const PoolAdded& pool, Turn& turn)
{
    JOBMILL_ASSERT(pool.workers > 0 && pool.depth > 0 && pool.depth <= 256);
    crews_.resize(std::max(crews_.size(), std::size_t{number(pool.pool)} + 1));
    Crew& crew = crews_[number(pool.pool)];
    JOBMILL_ASSERT(crew.slots.empty());
    crew.pool = pool.pool;
    crew.open = OpenWorkers{pool.depth};
    for (std::uint32_t i = 0; i < pool.workers; ++i) {
        crew.slots.push_back(slots_.take(pool.pool));
    }
    start_template(crew, turn);
}

void Workforce::resize(PoolId pool, std::uint32_t workers, Turn& turn)
{
    JOBMILL_ASSERT(workers > 0);
    Crew& crew = crew_of(pool);
    while (crew.slots.size() < workers) {
        crew.slots.push_back(slots_.take(pool));
    }
    std::vector<SlotId> by_use = crew.slots;
    const auto rank = [&](SlotId slot) {
        const WorkerState state = slots_[slot].state;
        return !slots_[slot].held.empty() ? 0 : serves(state) ? 1 : lives(state) ? 2 : 3;
    };
    std::sort(by_use.begin(), by_use.end(), [&](SlotId a, SlotId b) {
        return std::pair{rank(a), a} < std::pair{rank(b), b};
    });
    for (std::size_t i = 0; i < by_use.size(); ++i) {
        WorkerSlot& slot = slots_[by_use[i]];
        slot.surplus = i >= workers;
        if (slot.surplus) {
            dismiss_surplus(slot, turn);
        } else {
            load_changed(slot);
            fill(slot, turn);
        }
    }
}

void Workforce::dismiss_surplus(WorkerSlot& slot, Turn& turn)
{
    slot.surplus = true;
    load_changed(slot);
    step(slot, WorkerWord::dismiss, turn);
}

bool Workforce::dissolve(PoolId pool, Turn& turn)
{
    Crew& crew = crew_of(pool);
    if (!std::exchange(crew.dissolving, true)) {
        each_slot_of(pool, [&](WorkerSlot& slot) { dismiss_surplus(slot, turn); });
    }
    const bool empty = std::all_of(crew.slots.begin(), crew.slots.end(), [&](SlotId slot) {
        return slots_[slot].state == WorkerState::gone;
    });
    if (!empty) {
        return false;
    }
    if (crew.template_state == TemplateState::starting ||
        crew.template_state == TemplateState::ready) {
        crew.template_state = TemplateState::dismissed;
        turn.ask(DismissTemplate{.pool = pool});
        deadlines_.set(key_of(pool), turn.now + patience_.dismiss);
    }
    if (crew.template_state != TemplateState::absent) {
        return false;
    }
    deadlines_.cancel(key_of(pool));
    for (const SlotId slot : crew.slots) {
        deadlines_.cancel(key_of(slots_[slot]));
        slots_.release(slot);
    }
    crew = Crew{};
    return true;
}

void Workforce::start_template(Crew& crew, Turn& turn)
{
    if (hiring_ == Hiring::open && !crew.dissolving) {
        crew.template_state = TemplateState::starting;
        ++crew.unready_starts;
        turn.ask(StartTemplate{.pool = crew.pool});
        deadlines_.set(key_of(crew.pool), turn.now + patience_.load);
    }
}

void Workforce::kill_template(Crew& crew, Turn& turn)
{
    deadlines_.cancel(key_of(crew.pool));
    crew.template_state = TemplateState::killed;
    turn.ask(KillTemplate{.pool = crew.pool});
}

bool Workforce::template_ready(PoolId pool, Turn& turn)
{
    Crew& crew = crew_of(pool);
    if (crew.template_state != TemplateState::starting) {
        return false;
    }
    deadlines_.cancel(key_of(pool));
    crew.template_state = TemplateState::ready;
    crew.unready_starts = 0;
    each_slot_of(pool, [&](WorkerSlot& slot) { fill(slot, turn); });
    return true;
}

bool Workforce::template_lost(PoolId pool, Turn& turn)
{
    Crew& crew = crew_of(pool);
    if (crew.template_state == TemplateState::absent) {
        return false;
    }
    deadlines_.cancel(key_of(pool));
    crew.template_state = TemplateState::absent;
    if (crew.dissolving) {
        return true;
    }
    const Duration delay = template_delay(crew.unready_starts, patience_);
    if (delay == Duration::zero()) {
        start_template(crew, turn);
    } else if (hiring_ == Hiring::open) {
        deadlines_.set(key_of(pool), turn.now + delay);
    }
    return true;
}

bool Workforce::template_silent(PoolId pool, Turn& turn)
{
    Crew& crew = crew_of(pool);
    if (crew.template_state == TemplateState::absent ||
        crew.template_state == TemplateState::killed) {
        return false;
    }
    kill_template(crew, turn);
    return true;
}

// ---- workers ------------------------------------------------------------------------------------

/// Waits for the template, or for the slot's own respawn time, if it has to.
void Workforce::fill(WorkerSlot& slot, Turn& turn)
{
    if (hiring_ == Hiring::open && !slot.surplus && !deadlines_.pending(key_of(slot)) &&
        crew_of(slot.pool).template_state == TemplateState::ready) {
        step(slot, WorkerWord::fork, turn);
    }
}

WorkerAction Workforce::step(WorkerSlot& slot, WorkerWord word, Turn& turn)
{
    const std::optional<WorkerRow> row = row_of(slot.state, word);
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
    } else if (hiring_ == Hiring::closed || slot.surplus) {
        step(slot, WorkerWord::dismiss, turn);
    }
    return row->act;
}

void Workforce::account(WorkerSlot& slot, const WorkerRow& row)
{
    if (row.from == WorkerState::gone) {
        ++filled_;
    }
    if (row.to == WorkerState::gone) {
        --filled_;
    }
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
            ++slot.unready_forks;
            turn.ask(ForkWorker{.pool = slot.pool, .worker = slot.worker});
            break;
        case WorkerAction::await:
            wait(slot, patience_.start, turn);
            break;
        case WorkerAction::welcome:
            slot.unready_forks = 0;
            break;
        case WorkerAction::raise_flag:
            wait(slot, patience_.cancel, turn);
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
    const Duration delay = worker_delay(slot.unready_forks, patience_);
    if (delay > Duration::zero() && hiring_ == Hiring::open) {
        wait(slot, delay, turn);
    }
    fill(slot, turn);
}

void Workforce::load_changed(WorkerSlot& slot)
{
    const bool open = takes_jobs(slot.state) && !slot.surplus && slot.has_free_claim();
    crew_of(slot.pool).open.file(slots_, slot, open);
}

void Workforce::deadline_passed(DeadlineKey key, Turn& turn)
{
    if (key.kind == DeadlineKey::Kind::pool) {
        Crew& crew = crew_of(PoolId{static_cast<std::uint16_t>(key.number)});
        if (crew.template_state == TemplateState::absent) {
            start_template(crew, turn);
        } else {
            kill_template(crew, turn);
        }
        return;
    }
    WorkerSlot& slot = slots_[SlotId{key.number}];
    fill(slot, turn);
    step(slot, WorkerWord::deadline, turn);
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

void Workforce::count(PoolId pool, PoolCounts& counts) const
{
    const Crew& crew = crews_[number(pool)];
    counts.restarts = crew.restarts;
    for (const SlotId each : crew.slots) {
        const WorkerSlot& slot = slots_[each];
        counts.workers += serves(slot.state) ? 1U : 0U;
        counts.busy += serves(slot.state) && !slot.held.empty() ? 1U : 0U;
        counts.surplus += slot.surplus && may_stay(slot.state) ? 1U : 0U;
    }
}

Workforce::Crew& Workforce::crew_of(PoolId pool)
{
    JOBMILL_ASSERT(number(pool) < crews_.size() && !crews_[number(pool)].slots.empty());
    return crews_[number(pool)];
}

}  // namespace jobmill::core
