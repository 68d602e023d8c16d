// SPDX-License-Identifier: MIT
// What happens to pools, templates and workers.
#include <algorithm>

#include "daemon/core/dispatcher_state.hpp"
#include "daemon/core/planted_bug.hpp"

namespace jobmill::core {

// ---- pools --------------------------------------------------------------------------------------

void Dispatcher::State::handle(const PoolAdded& event, Turn& turn)
{
    book.add_pool(event.pool);
    workforce.add_pool(event, turn);
}

void Dispatcher::State::handle(const PoolResized& event, Turn& turn)
{
    assignments.resize(event.pool, event.workers, turn);
}

void Dispatcher::State::handle(const PoolAdjusted& event, Turn& turn)
{
    workforce.adjust(event.pool, event.terms, turn);
    workforce.lend(event.pool, book.lent(event.pool), turn);
    assignments.offer_what_fits(event.pool, turn);
}

void Dispatcher::State::handle(const LabelAdjusted& event, Turn& turn)
{
    book.labels().adjust(event);
    assignments.offer_everywhere(turn);
}

void Dispatcher::State::handle(const CapAdjusted& event, Turn& turn)
{
    assignments.cap(event.max_running);
    assignments.offer_everywhere(turn);
}

void Dispatcher::State::handle(const MemoryJudged& event, Turn& turn)
{
    assignments.judge_memory(event.low, turn);
}

void Dispatcher::State::handle(const PoolSuspended& event, Turn& turn)
{
    assignments.suspend(event.pool, event.suspended, turn);
}

void Dispatcher::State::handle(const HandlerSucceeded& event, Turn& /*turn*/)
{
    book.succeed(event);
}

void Dispatcher::State::handle(const PoolRetired& event, Turn& /*turn*/)
{
    book.disinherit(event.pool);
    retired.push_back(event.pool);
}

/// Pools to which nothing is submitted any more, each after its last job.
void Dispatcher::State::dissolve_retired(Turn& turn)
{
    std::erase_if(retired, [&](PoolId pool) {
        workforce.need_template(pool, book.has_unassigned(pool), turn);
        const bool gone = book.unfinished(pool) == 0 && workforce.dissolve(pool, turn);
        if (gone) {
            book.remove_pool(pool);
            assignments.forget(pool);
            turn.ask(PoolGone{.pool = pool});
        }
        return gone;
    });
}

// ---- templates ----------------------------------------------------------------------------------

void Dispatcher::State::handle(const TemplateSilent& event, Turn& turn)
{
    stale += workforce.template_silent(event.pool, turn) ? 0U : 1U;
}

void Dispatcher::State::handle(const TemplateReady& event, Turn& turn)
{
    stale += workforce.template_ready(event.pool, turn) ? 0U : 1U;
    assignments.offer_what_fits(event.pool, turn);
}

void Dispatcher::State::handle(const TemplateLost& event, Turn& turn)
{
    stale += workforce.template_lost(event.pool, turn) ? 0U : 1U;
}

// ---- workers ------------------------------------------------------------------------------------

/// The slot that this very process fills. Words of others come too late: they are counted.
WorkerSlot* Dispatcher::State::living(WorkerId worker)
{
    WorkerSlot* slot = workforce.slots().find(worker);
    if (slot == nullptr || !lives(slot->state)) {
        ++stale;
        return nullptr;
    }
    return slot;
}

/// The same, of a process that is heard.
WorkerSlot* Dispatcher::State::speaking(WorkerId worker)
{
    WorkerSlot* slot = workforce.slots().find(worker);
    const bool heard =
        slot != nullptr && (JOBMILL_BUG(15) ? lives(slot->state) : speaks(slot->state));
    if (!heard) {
        ++stale;
        return nullptr;
    }
    return slot;
}

void Dispatcher::State::handle(const WorkerForked& event, Turn& turn)
{
    // Without effect when the hello has overtaken it.
    if (WorkerSlot* slot = speaking(event.worker)) {
        workforce.step(*slot, WorkerWord::forked, turn);
    }
}

void Dispatcher::State::handle(const ForkFailed& event, Turn& turn)
{
    if (WorkerSlot* slot = speaking(event.worker)) {
        workforce.step(*slot, WorkerWord::fork_failed, turn);
        assignments.offer_what_fits(slot->pool, turn);  // another slot may be filled for it
    }
}

void Dispatcher::State::handle(const WorkerReady& event, Turn& turn)
{
    if (WorkerSlot* slot = speaking(event.worker)) {
        workforce.step(*slot, WorkerWord::ready, turn);
        assignments.offer_what_fits(slot->pool, turn);
    }
}

void Dispatcher::State::handle(const WorkerExited& event, Turn& turn)
{
    WorkerSlot* slot = living(event.worker);
    if (slot == nullptr) {
        return;
    }
    slot->limited = event.by_limit;
    const PoolId pool = slot->pool;
    if (workforce.exited(*slot, event.by_limit, turn) == WorkerAction::judge) {
        assignments.judge(*slot, turn);
    }
    assignments.offer_after(pool, turn);
}

void Dispatcher::State::handle(const WorkerMisbehaved& event, Turn& turn)
{
    if (WorkerSlot* slot = speaking(event.worker)) {
        workforce.misbehaved(*slot, turn);
        assignments.offer_what_fits(slot->pool, turn);
    }
}

void Dispatcher::State::handle(const WorkerHung& event, Turn& turn)
{
    if (WorkerSlot* slot = speaking(event.worker)) {
        assignments.hung(*slot, turn);
    }
}

void Dispatcher::State::handle(const WorkerWorn& event, Turn& turn)
{
    if (WorkerSlot* slot = speaking(event.worker)) {
        workforce.wear(*slot, turn);
    }
}

void Dispatcher::State::handle(const JobDeaf& event, Turn& turn)
{
    WorkerSlot* slot = speaking(event.worker);
    const JobHandle running = slot == nullptr ? no_job : book.running(*slot);
    if (running != no_job && book.holding(running).sequence == event.sequence) {
        workforce.step(*slot, WorkerWord::deaf, turn);
    }
}

}  // namespace jobmill::core
