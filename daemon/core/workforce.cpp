// SPDX-License-Identifier: MIT
#include "daemon/core/workforce.hpp"

#include <algorithm>

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

}  // namespace

// ---- templates ----------------------------------------------------------------------------------

void Workforce::add_pool(const PoolAdded& pool, Turn& turn)
{
    JOBMILL_ASSERT(pool.workers > 0 && pool.depth > 0 && pool.depth <= 256);
    crews_.resize(std::max(crews_.size(), std::size_t{number(pool.pool)} + 1));
    Crew& crew = crews_[number(pool.pool)];
    JOBMILL_ASSERT(crew.workers == 0);
    crew.pool = pool.pool;
    crew.first_slot = pool.first_slot;
    crew.workers = pool.workers;
    crew.open = OpenWorkers{pool.depth};
    slots_.add(pool.pool, pool.first_slot, pool.workers);
    start_template(crew, turn);
}

void Workforce::start_template(Crew& crew, Turn& turn)
{
    if (hiring_ == Hiring::open) {
        crew.template_state = TemplateState::starting;
        ++crew.unready_starts;
        turn.ask(StartTemplate{.pool = crew.pool});
    }
}

bool Workforce::template_ready(PoolId pool, Turn& turn)
{
    Crew& crew = crew_of(pool);
    if (crew.template_state != TemplateState::starting) {
        return false;
    }
    crew.template_state = TemplateState::ready;
    crew.unready_starts = 0;
    for (std::uint32_t i = 0; i < crew.workers; ++i) {
        fill(slots_[SlotId{number(crew.first_slot) + i}], turn);
    }
    return true;
}

bool Workforce::template_lost(PoolId pool, Turn& turn)
{
    Crew& crew = crew_of(pool);
    if (crew.template_state == TemplateState::absent) {
        return false;
    }
    crew.template_state = TemplateState::absent;
    const Duration delay = template_delay(crew.unready_starts, patience_);
    if (delay == Duration::zero()) {
        start_template(crew, turn);
    } else if (hiring_ == Hiring::open) {
        deadlines_.set(key_of(pool), turn.now + delay);
    }
    return true;
}

// ---- workers ------------------------------------------------------------------------------------

/// Waits for the template, or for the slot's own respawn time, if it has to.
void Workforce::fill(WorkerSlot& slot, Turn& turn)
{
    if (hiring_ == Hiring::open && !deadlines_.pending(key_of(slot)) &&
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
    if (hiring_ == Hiring::closed) {
        step(slot, WorkerWord::dismiss, turn);
    } else if (hiring_ == Hiring::killing) {
        step(slot, WorkerWord::kill, turn);
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
    crew_of(slot.pool).open.file(slots_, slot, takes_jobs(slot.state) && slot.has_free_claim());
}

void Workforce::deadline_passed(DeadlineKey key, Turn& turn)
{
    if (key.kind == DeadlineKey::Kind::pool) {
        start_template(crew_of(PoolId{static_cast<std::uint16_t>(key.number)}), turn);
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
    for (std::uint32_t i = 0; i < crew.workers; ++i) {
        const WorkerSlot& slot = slots_[SlotId{number(crew.first_slot) + i}];
        counts.workers += serves(slot.state) ? 1U : 0U;
        counts.busy += serves(slot.state) && !slot.held.empty() ? 1U : 0U;
    }
}

Workforce::Crew& Workforce::crew_of(PoolId pool)
{
    JOBMILL_ASSERT(number(pool) < crews_.size() && crews_[number(pool)].workers > 0);
    return crews_[number(pool)];
}

}  // namespace jobmill::core
