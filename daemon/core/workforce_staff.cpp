// SPDX-License-Identifier: MIT
// How many workers a pool has: who is wanted, who is too many, who is fetched when there is work,
// and who takes the place of one that has served for long.
#include <algorithm>
#include <tuple>
#include <utility>

#include "common/assert.hpp"
#include "daemon/core/deadline_keys.hpp"
#include "daemon/core/planted_bug.hpp"
#include "daemon/core/workforce.hpp"

namespace jobmill::core {

namespace {

/// The less, the more its pool would miss it.
int use_of(const WorkerSlot& slot)
{
    if (slot.worn && slot.surplus) {
        return 5;  // it was replaced
    }
    if (slot.state == WorkerState::gone) {
        return 4;
    }
    if (!may_stay(slot.state)) {
        return 3;
    }
    if (!slot.held.empty()) {
        return 0;
    }
    return serves(slot.state) ? 1 : 2;
}

}  // namespace

void Workforce::resize(PoolId pool, std::uint32_t workers, Turn& turn)
{
    JOBMILL_ASSERT(workers > 0);
    Crew& crew = crew_of(pool);
    crew.workers = workers;
    staff(crew, turn);
}

void Workforce::adjust(PoolId pool, const PoolTerms& terms, Turn& turn)
{
    Crew& crew = crew_of(pool);
    crew.terms = terms;
    staff(crew, turn);
    each_slot_of(pool, [&](WorkerSlot& slot) {
        if (slot.state == WorkerState::idle) {
            rest(slot, turn);
        }
        if (used_up(crew, slot) && serves(slot.state) && !slot.surplus) {
            slot.worn = true;  // it gets no more jobs, so none would tell that it is
        }
    });
    replace_worn(crew, turn);
}

void Workforce::lend(PoolId pool, std::uint32_t slots, Turn& turn)
{
    Crew& crew = crew_of(pool);
    const std::uint32_t lent = std::min(slots, crew.terms.max_lent);
    if (lent != crew.lent) {
        crew.lent = lent;
        staff(crew, turn);
    }
    each_slot_of(pool, [&](WorkerSlot& slot) { load_changed(slot); });
}

bool Workforce::wanted(const WorkerSlot& slot)
{
    return !slot.surplus && slot.state != WorkerState::condemned && slot.stands_in_for == no_slot;
}

std::uint32_t Workforce::staffed(const Crew& crew) const
{
    return static_cast<std::uint32_t>(
        std::count_if(crew.slots.begin(), crew.slots.end(), [&](SlotId slot) {
            return wanted(slots_[slot]) && slots_[slot].state != WorkerState::gone;
        }));
}

/// Asked whenever a worker has nothing to do: nobody is counted in a pool that does not shrink, and
/// no more than it takes in others.
bool Workforce::can_spare_one(const Crew& crew) const
{
    std::size_t needed = std::size_t{least(crew)} + 1;
    if (needed > crew.slots.size()) {
        return false;
    }
    return std::any_of(crew.slots.begin(), crew.slots.end(), [&](SlotId id) {
        const bool stays = wanted(slots_[id]) && may_stay(slots_[id].state);
        return stays && --needed == 0;
    });
}

std::uint32_t Workforce::least(const Crew& crew)
{
    return std::min(crew.terms.min_workers, crew.workers);
}

/// So many that do not die are made up for, no more.
std::uint32_t Workforce::places(const Crew& crew) const
{
    const auto condemned = static_cast<std::uint32_t>(
        std::count_if(crew.slots.begin(), crew.slots.end(),
                      [&](SlotId id) { return slots_[id].state == WorkerState::condemned; }));
    const std::uint32_t replaced = JOBMILL_BUG(12) ? 0 : crew.workers;
    const std::uint32_t lost = condemned > replaced ? condemned - replaced : 0;
    return crew.workers + crew.lent - std::min(lost, crew.workers);
}

/// The slots that make up the pool's size, those first that it would miss most.
std::vector<SlotId> Workforce::by_use(const Crew& crew) const
{
    std::vector<SlotId> slots;
    std::copy_if(crew.slots.begin(), crew.slots.end(), std::back_inserter(slots), [&](SlotId id) {
        return slots_[id].state != WorkerState::condemned && slots_[id].stands_in_for == no_slot;
    });
    const auto standing = [&](SlotId id) {
        return std::tuple{use_of(slots_[id]), slots_[id].surplus, id};
    };
    std::sort(slots.begin(), slots.end(),
              [&](SlotId a, SlotId b) { return standing(a) < standing(b); });
    return slots;
}

void Workforce::staff(Crew& crew, Turn& turn)
{
    if (crew.dissolving) {
        return;
    }
    const std::uint32_t target = places(crew);
    std::vector<SlotId> slots = by_use(crew);
    while (slots.size() < target) {
        slots.push_back(slots_.take(crew.pool));
        crew.slots.push_back(slots.back());
    }
    // All are marked before anybody is hired: who is too many does not count as staff.
    for (std::size_t i = 0; i < slots.size(); ++i) {
        slots_[slots[i]].surplus = i >= target;
    }
    for (const SlotId id : slots) {
        if (slots_[id].surplus) {
            dismiss_surplus(slots_[id], turn);
        } else {
            load_changed(slots_[id]);
            fill(slots_[id], turn);
        }
    }
    for (const SlotId id : crew.slots) {
        WorkerSlot& slot = slots_[id];
        if (slot.stands_in_for != no_slot && slots_[slot.stands_in_for].surplus) {
            slot.stands_in_for = no_slot;  // nobody is needed in that place
            dismiss_surplus(slot, turn);
        }
    }
}

void Workforce::dismiss_surplus(WorkerSlot& slot, Turn& turn)
{
    slot.surplus = true;
    load_changed(slot);
    step(slot, WorkerWord::dismiss, turn);
}

// ---- hiring -------------------------------------------------------------------------------------

/// If the pool does not do without. Waits for the template, or for the slot's own respawn time, if
/// it has to.
void Workforce::fill(WorkerSlot& slot, Turn& turn)
{
    const Crew& crew = crew_of(slot.pool);
    if (slot.stands_in_for != no_slot || staffed(crew) < least(crew)) {
        hire(slot, turn);
    }
}

void Workforce::hire(WorkerSlot& slot, Turn& turn)
{
    if (hiring_ == Hiring::open && !slot.surplus && slot.state == WorkerState::gone &&
        !deadlines_.pending(key_of(slot)) &&
        crew_of(slot.pool).template_state == TemplateState::ready) {
        step(slot, WorkerWord::fork, turn);
    }
}

bool Workforce::grows(PoolId pool) const
{
    const Crew& crew = crews_[number(pool)];
    return crew.lent > 0 || least(crew) < crew.workers;
}

bool Workforce::has_vacancy(PoolId pool) const
{
    const Crew& crew = crews_[number(pool)];
    return std::any_of(crew.slots.begin(), crew.slots.end(), [&](SlotId id) {
        return wanted(slots_[id]) && slots_[id].state == WorkerState::gone;
    });
}

void Workforce::call_up(PoolId pool, std::size_t jobs, Turn& turn)
{
    Crew& crew = crew_of(pool);
    const auto comes = [&](SlotId id) {
        const WorkerState state = slots_[id].state;
        return wanted(slots_[id]) &&
               (state == WorkerState::forking || state == WorkerState::starting);
    };
    auto coming =
        static_cast<std::size_t>(std::count_if(crew.slots.begin(), crew.slots.end(), comes));
    for (std::size_t i = 0; i < crew.slots.size() && coming < jobs; ++i) {
        WorkerSlot& slot = slots_[crew.slots[i]];
        if (wanted(slot) && slot.state == WorkerState::gone) {
            hire(slot, turn);
            coming += slot.state == WorkerState::gone ? 0U : 1U;
        }
    }
}

// ---- replacement --------------------------------------------------------------------------------

void Workforce::wear(WorkerSlot& slot, Turn& turn)
{
    Crew& crew = crew_of(slot.pool);
    if (serves(slot.state) && !slot.surplus && (!slot.worn || used_up(crew, slot))) {
        slot.worn = true;
        replace_worn(crew, turn);
    }
}

/// One at a time, so that a pool of large workers does not double. Meanwhile the others serve on;
/// who cannot, having run as many jobs as it may, leaves at once and makes room for its successor.
void Workforce::replace_worn(Crew& crew, Turn& turn)
{
    if (hiring_ != Hiring::open || crew.dissolving) {
        return;
    }
    const auto stands_in = std::find_if(crew.slots.begin(), crew.slots.end(), [&](SlotId id) {
        return slots_[id].stands_in_for != no_slot;
    });
    const SlotId replaced =
        stands_in == crew.slots.end() ? appoint(crew, turn) : slots_[*stands_in].stands_in_for;
    for (const SlotId id : crew.slots) {
        WorkerSlot& slot = slots_[id];
        const bool waits = slot.worn && !slot.surplus && !slot.spoilt && serves(slot.state);
        if (waits && id != replaced && used_up(crew, slot)) {
            slot.spoilt = true;
            step(slot, WorkerWord::dismiss, turn);
        }
    }
}

/// Somebody is to stand in for one who is worn. For whom; no_slot: nobody is.
SlotId Workforce::appoint(Crew& crew, Turn& turn)
{
    const auto find = [&](auto is_it) {
        const auto found = std::find_if(crew.slots.begin(), crew.slots.end(),
                                        [&](SlotId id) { return is_it(slots_[id]); });
        return found == crew.slots.end() ? no_slot : *found;
    };
    const SlotId worn = find([](const WorkerSlot& each) {
        return each.worn && !each.surplus && !each.spoilt && serves(each.state);
    });
    if (worn == no_slot) {
        return no_slot;
    }
    SlotId spare = find(
        [](const WorkerSlot& each) { return each.surplus && each.state == WorkerState::gone; });
    if (spare == no_slot) {
        spare = slots_.take(crew.pool);
        crew.slots.push_back(spare);
    }
    slots_[spare].surplus = false;
    slots_[spare].stands_in_for = worn;
    fill(slots_[spare], turn);
    return worn;
}

/// It is ready: the one that it stands in for may go.
void Workforce::relieve(WorkerSlot& slot, Turn& turn)
{
    if (slot.stands_in_for == no_slot) {
        return;
    }
    WorkerSlot& worn = slots_[slot.stands_in_for];
    slot.stands_in_for = no_slot;
    dismiss_surplus(worn, turn);
    replace_worn(crew_of(slot.pool), turn);
}

}  // namespace jobmill::core
