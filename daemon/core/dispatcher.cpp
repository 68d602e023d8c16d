// SPDX-License-Identifier: MIT
// The life of the daemon as a whole, and the surface.
#include "daemon/core/dispatcher.hpp"

#include <algorithm>

#include "daemon/core/dispatcher_state.hpp"
#include "daemon/core/planted_bug.hpp"

namespace jobmill::core {

namespace {

constexpr DeadlineKey grace_key{.kind = DeadlineKey::Kind::grace, .number = 0};

}  // namespace

void Dispatcher::State::handle(const TimerFired& /*event*/, Turn& turn)
{
    armed = never;
    assignments.go_on_halting();
    for (auto due = workforce.deadlines().take_due(turn.now); due;
         due = workforce.deadlines().take_due(turn.now)) {
        if (due->kind == DeadlineKey::Kind::grace) {
            evict_all(turn);
        } else if (due->kind == DeadlineKey::Kind::overrun) {
            assignments.overran(workforce.slots()[SlotId{due->number}], turn);
        } else if (WorkerSlot* condemned = workforce.deadline_passed(*due, turn)) {
            assignments.judge(*condemned, turn);
        }
    }
    for (JobHandle due = book.take_due(turn.now); due != no_job; due = book.take_due(turn.now)) {
        assignments.deadline(due, turn);
    }
    // Jobs have joined their queues, slots may be filled again, a probe may be due.
    assignments.offer_everywhere(turn);
}

void Dispatcher::State::handle(const StopRequested& event, Turn& turn)
{
    if (life == DaemonLife::ending || life == DaemonLife::stopped) {
        return;
    }
    drain(turn);
    workforce.close(turn);
    if (event.grace > Duration::zero()) {
        workforce.deadlines().set(grace_key, turn.now + event.grace);
    } else {
        evict_all(turn);
    }
}

void Dispatcher::State::handle(const StopNow& /*event*/, Turn& turn)
{
    if (life == DaemonLife::stopped) {
        return;
    }
    drain(turn);
    life = DaemonLife::ending;
    assignments.give_up_all();
    workforce.deadlines().cancel(grace_key);
    workforce.each_slot([&](WorkerSlot& slot) { assignments.mark_for_stop(slot, turn); });
    workforce.kill_all(turn);
}

/// Nothing new begins: what is queued ends, what may not have begun is called back.
void Dispatcher::State::drain(Turn& turn)
{
    life = DaemonLife::draining;
    assignments.give_up_retries();
    for (std::size_t i = 0; i < book.pools(); ++i) {
        const PoolId pool{static_cast<std::uint16_t>(i)};
        for (JobHandle job = book.any_unassigned(pool); job != no_job;
             job = book.any_unassigned(pool)) {
            book.step(job, JobWord::stop, turn);
        }
    }
    workforce.each_slot([&](WorkerSlot& slot) { assignments.call_back(slot, turn); });
}

void Dispatcher::State::evict_all(Turn& turn)
{
    life = DaemonLife::ending;
    assignments.give_up_all();
    workforce.deadlines().cancel(grace_key);
    workforce.each_slot([&](WorkerSlot& slot) {
        assignments.mark_for_stop(slot, turn);
        const JobHandle running = book.running(slot);
        if (slot.state == WorkerState::busy && running != no_job) {
            turn.ask(
                RaiseCancelFlag{.worker = slot.worker, .sequence = book.holding(running).sequence});
        }
        workforce.step(slot, WorkerWord::evict, turn);
    });
}

void Dispatcher::State::finish(Turn& turn)
{
    assignments.settle_batches(turn);
    assignments.settle_lending(turn);
    dissolve_retired(turn);
    const bool stopping = life == DaemonLife::draining || life == DaemonLife::ending;
    if (stopping && book.size() == 0 && workforce.filled() == 0) {
        life = DaemonLife::stopped;
        workforce.deadlines().cancel(grace_key);
        turn.ask(Stopped{});
    }
    TimePoint next = std::min(workforce.deadlines().next(), book.next_deadline());
    if (assignments.halts_wait() && !JOBMILL_BUG(30)) {
        next = std::min({next, armed, turn.now});
    }
    if (next != never && next != armed) {
        armed = next;
        turn.ask(ArmTimer{.at = next});
    }
}

// ---- the surface --------------------------------------------------------------------------------

Dispatcher::Dispatcher(Patience patience, std::uint64_t seed)
    : state_(std::make_unique<State>(patience, seed))
{
}
Dispatcher::~Dispatcher() = default;
Dispatcher::Dispatcher(Dispatcher&&) noexcept = default;
Dispatcher& Dispatcher::operator=(Dispatcher&&) noexcept = default;

void Dispatcher::on(const Event& event, TimePoint now, Effects& effects)
{
    Turn turn{.now = now, .effects = effects, .ends_left = state_->patience.ends_at_once};
    std::visit([&](const auto& happened) { state_->handle(happened, turn); }, event);
    state_->finish(turn);
}

PoolCounts Dispatcher::counts(PoolId pool) const
{
    PoolCounts counts;
    if (number(pool) < state_->book.pools()) {
        state_->workforce.count(pool, counts);
        state_->book.count(pool, counts);
    }
    return counts;
}

BatchCounts Dispatcher::counts(BatchId batch) const
{
    return state_->book.counts(batch);
}

std::uint32_t Dispatcher::running(LabelId label) const
{
    return state_->book.labels().running(label);
}

std::vector<bool> Dispatcher::labels_of_jobs() const
{
    return state_->book.labels_of_jobs();
}

std::uint32_t Dispatcher::attempt_of(JobId job) const
{
    const JobHandle handle = state_->book.find(job);
    return handle == no_job ? 1 : state_->book.extras(handle).attempt;
}

bool Dispatcher::memory_low() const
{
    return state_->assignments.memory_low();
}

std::optional<JobState> Dispatcher::state_of(JobId job) const
{
    const JobHandle handle = state_->book.find(job);
    if (handle == no_job) {
        return {};
    }
    return core::state_of(state_->book[handle].stage);
}

std::optional<WorkerId> Dispatcher::worker_of(JobId job) const
{
    const JobHandle handle = state_->book.find(job);
    if (handle == no_job || unassigned(state_->book[handle].stage)) {
        return {};
    }
    return state_->book.holding(handle).worker;
}

std::optional<JobId> Dispatcher::job_of(WorkerId worker, Sequence sequence) const
{
    const WorkerSlot* slot = state_->workforce.slots().find(worker);
    const JobHandle handle = slot == nullptr ? no_job : state_->book.held_under(*slot, sequence);
    if (handle == no_job) {
        return {};
    }
    return state_->book[handle].id;
}

bool Dispatcher::is_overtaken(JobId job) const
{
    const JobHandle handle = state_->book.find(job);
    if (handle == no_job || unassigned(state_->book[handle].stage)) {
        return false;
    }
    const Holding& holding = state_->book.holding(handle);
    const WorkerSlot* slot = state_->workforce.slots().find(holding.worker);
    const JobHandle running = slot == nullptr ? no_job : state_->book.running(*slot);
    return running != no_job && state_->book.holding(running).sequence > holding.sequence;
}

std::uint64_t Dispatcher::unfinished_jobs() const
{
    return state_->book.size();
}

std::uint32_t Dispatcher::busy_workers() const
{
    return state_->book.busy_workers();
}

std::uint64_t Dispatcher::stale_events() const
{
    return state_->stale;
}

}  // namespace jobmill::core
