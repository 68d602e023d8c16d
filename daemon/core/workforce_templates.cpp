// SPDX-License-Identifier: MIT
// Pools and their templates: from the first start to the last process's end.
#include <algorithm>
#include <utility>

#include "common/assert.hpp"
#include "daemon/core/deadline_keys.hpp"
#include "daemon/core/planted_bug.hpp"
#include "daemon/core/respawn_policy.hpp"
#include "daemon/core/workforce.hpp"

namespace jobmill::core {

void Workforce::add_pool(const PoolAdded& pool, Turn& turn)
{
    JOBMILL_ASSERT(pool.workers > 0 && pool.depth > 0 && pool.depth <= 256);
    crews_.resize(std::max(crews_.size(), std::size_t{number(pool.pool)} + 1));
    Crew& crew = crews_[number(pool.pool)];
    JOBMILL_ASSERT(crew.slots.empty());
    crew.pool = pool.pool;
    crew.terms = pool.terms;
    crew.workers = pool.workers;
    crew.depth = pool.depth;
    crew.open = OpenWorkers{pool.depth};
    for (std::uint32_t i = 0; i < pool.workers; ++i) {
        crew.slots.push_back(slots_.take(pool.pool));
    }
    start_template(crew, turn);
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
    deadlines_.cancel(probe_key(pool));
    for (const SlotId slot : crew.slots) {
        deadlines_.cancel(key_of(slots_[slot]));
        slots_.release(slot);
    }
    crew = Crew{};
    return true;
}

// ---- templates ----------------------------------------------------------------------------------

void Workforce::start_template(Crew& crew, Turn& turn)
{
    if (hiring_ == Hiring::open && !crew.dissolving && !crew.does_without) {
        crew.template_state = TemplateState::starting;
        ++crew.unready_starts;
        turn.ask(StartTemplate{.pool = crew.pool});
        deadlines_.set(key_of(crew.pool), turn.now + patience_.load + crew.terms.more_to_load);
    }
}

void Workforce::need_template(PoolId pool, bool needed, Turn& turn)
{
    Crew& crew = crew_of(pool);
    crew.does_without = !needed;
    if (needed && crew.template_state == TemplateState::absent &&
        !deadlines_.pending(key_of(pool)) && !JOBMILL_BUG(54)) {
        start_template(crew, turn);
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

}  // namespace jobmill::core
