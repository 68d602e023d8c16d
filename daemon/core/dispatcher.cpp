// SPDX-License-Identifier: MIT
#include "daemon/core/dispatcher.hpp"

#include <algorithm>

#include "common/assert.hpp"
#include "daemon/core/assignments.hpp"

namespace jobmill::core {

namespace {

/// serving → draining (StopRequested) → ending (grace over, or StopNow) → stopped.
enum class DaemonLife : std::uint8_t { serving, draining, ending, stopped };

constexpr DeadlineKey grace_key{.kind = DeadlineKey::Kind::grace, .number = 0};

}  // namespace

/// Routes each event to the book of jobs, to the workforce, or to where they meet; and leads the
/// daemon to its end.
struct Dispatcher::State {
    explicit State(const Patience& patience)
        : workforce(patience), book(workforce.slots()), assignments(workforce, book)
    {
    }

    void handle(const PoolAdded& event, Turn& turn);
    void handle(const PoolResized& event, Turn& turn);
    void handle(const PoolRetired& event, Turn& turn);
    void handle(const TemplateReady& event, Turn& turn);
    void handle(const TemplateLost& event, Turn& turn);
    void handle(const TemplateSilent& event, Turn& turn);
    void handle(const WorkerForked& event, Turn& turn);
    void handle(const ForkFailed& event, Turn& turn);
    void handle(const WorkerReady& event, Turn& turn);
    void handle(const WorkerExited& event, Turn& turn);
    void handle(const WorkerMisbehaved& event, Turn& turn);
    void handle(const JobSubmitted& event, Turn& turn);
    void handle(const CancelRequested& event, Turn& turn);
    void handle(const JobMoved& event, Turn& turn);
    void handle(const SessionLost& event, Turn& turn);
    void handle(const JobFinished& event, Turn& turn);
    void handle(const ClaimRevoked& event, Turn& turn);
    void handle(const TimerFired& event, Turn& turn);
    void handle(const StopRequested& event, Turn& turn);
    void handle(const StopNow& event, Turn& turn);

    WorkerSlot* living(WorkerId worker);
    void drain(Turn& turn);
    void evict_all(Turn& turn);
    void dissolve_retired(Turn& turn);
    void finish(Turn& turn);

    Workforce workforce;
    JobBook book;
    Assignments assignments;
    DaemonLife life = DaemonLife::serving;
    std::optional<TimePoint> armed;
    std::vector<PoolId> retired;  ///< not gone yet
    std::uint64_t stale = 0;
};

// ---- pools and their processes ------------------------------------------------------------------

void Dispatcher::State::handle(const PoolAdded& event, Turn& turn)
{
    book.add_pool(event.pool);
    workforce.add_pool(event, turn);
}

void Dispatcher::State::handle(const PoolResized& event, Turn& turn)
{
    assignments.resize(event.pool, event.workers, turn);
}

void Dispatcher::State::handle(const PoolRetired& event, Turn& /*turn*/)
{
    retired.push_back(event.pool);
}

/// Pools to which nothing is submitted any more, each after its last job.
void Dispatcher::State::dissolve_retired(Turn& turn)
{
    std::erase_if(retired, [&](PoolId pool) {
        const bool gone = book.unfinished(pool) == 0 && workforce.dissolve(pool, turn);
        if (gone) {
            book.remove_pool(pool);
            turn.ask(PoolGone{.pool = pool});
        }
        return gone;
    });
}

void Dispatcher::State::handle(const TemplateSilent& event, Turn& turn)
{
    stale += workforce.template_silent(event.pool, turn) ? 0U : 1U;
}

void Dispatcher::State::handle(const TemplateReady& event, Turn& turn)
{
    stale += workforce.template_ready(event.pool, turn) ? 0U : 1U;
}

void Dispatcher::State::handle(const TemplateLost& event, Turn& turn)
{
    stale += workforce.template_lost(event.pool, turn) ? 0U : 1U;
}

void Dispatcher::State::handle(const WorkerForked& event, Turn& turn)
{
    // Without effect when the hello has overtaken it.
    if (WorkerSlot* slot = living(event.worker)) {
        workforce.step(*slot, WorkerWord::forked, turn);
    }
}

void Dispatcher::State::handle(const ForkFailed& event, Turn& turn)
{
    if (WorkerSlot* slot = living(event.worker)) {
        workforce.step(*slot, WorkerWord::fork_failed, turn);
    }
}

void Dispatcher::State::handle(const WorkerReady& event, Turn& turn)
{
    if (WorkerSlot* slot = living(event.worker)) {
        workforce.step(*slot, WorkerWord::ready, turn);
        assignments.offer_what_fits(slot->pool, turn);
    }
}

void Dispatcher::State::handle(const WorkerExited& event, Turn& turn)
{
    WorkerSlot* slot = living(event.worker);
    if (slot != nullptr && workforce.step(*slot, WorkerWord::exited, turn) == WorkerAction::judge) {
        assignments.judge(*slot, turn);
    }
}

void Dispatcher::State::handle(const WorkerMisbehaved& event, Turn& turn)
{
    if (WorkerSlot* slot = living(event.worker)) {
        workforce.step(*slot, WorkerWord::kill, turn);
    }
}

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

// ---- jobs ---------------------------------------------------------------------------------------

void Dispatcher::State::handle(const JobSubmitted& event, Turn& turn)
{
    const JobHandle handle = book.admit(event);
    if (life == DaemonLife::serving) {
        assignments.offer_what_fits(event.pool, turn);
    } else {
        book.step(handle, JobWord::stop, turn);
    }
}

void Dispatcher::State::handle(const CancelRequested& event, Turn& turn)
{
    const JobHandle handle = book.find(event.job);
    if (handle != no_job) {
        assignments.cancel(handle, turn);
    }
}

void Dispatcher::State::handle(const JobMoved& event, Turn& turn)
{
    const JobHandle handle = book.find(event.job);
    if (handle != no_job && life == DaemonLife::serving) {
        book.move(handle, event.to);
        assignments.offer_what_fits(event.to, turn);
    }
}

void Dispatcher::State::handle(const SessionLost& event, Turn& turn)
{
    for (JobHandle handle = book.detach_one(event.session); handle != no_job;
         handle = book.detach_one(event.session)) {
        assignments.cancel(handle, turn);
    }
}

void Dispatcher::State::handle(const JobFinished& event, Turn& turn)
{
    JOBMILL_ASSERT(event.state == JobState::succeeded || event.state == JobState::failed);
    WorkerSlot* slot = living(event.worker);
    if (slot == nullptr) {
        return;
    }
    const JobHandle handle = book.held_under(*slot, event.sequence);
    if (handle == no_job) {
        workforce.step(*slot, WorkerWord::kill, turn);
        return;
    }
    const bool skipped = assignments.skipped_any_before(*slot, handle);
    slot->newest_finished = std::max(slot->newest_finished, event.sequence);
    book.step(handle, event.state == JobState::succeeded ? JobWord::succeeded : JobWord::failed,
              turn);
    if (skipped) {
        workforce.step(*slot, WorkerWord::kill, turn);
    }
    assignments.held_changed(*slot, turn);
    assignments.offer_what_fits(slot->pool, turn);
}

void Dispatcher::State::handle(const ClaimRevoked& event, Turn& turn)
{
    WorkerSlot* slot = workforce.slots().find(event.worker);
    const JobHandle handle = slot == nullptr ? no_job : book.held_under(*slot, event.sequence);
    if (handle == no_job || !asked_back(book[handle].stage)) {
        ++stale;  // the job's own end has overtaken the answer
        return;
    }
    if (event.won) {
        const bool returns = book[handle].stage == JobStage::recalled;
        book.step(handle, JobWord::won, turn);
        if (returns && life != DaemonLife::serving) {
            book.step(handle, JobWord::stop, turn);
        }
    } else {
        book.step(handle, JobWord::lost, turn);
        if (life == DaemonLife::ending) {
            book.step(handle, JobWord::stop, turn);
        }
        if (!lives(slot->state)) {
            book.step(handle, JobWord::died, turn);
        } else if (event.sequence < slot->newest_finished) {
            // It has begun this one, finished a later one, and will never say how this one ended.
            workforce.step(*slot, WorkerWord::kill, turn);
        } else {
            assignments.has_begun(*slot, handle, turn);
        }
    }
    assignments.held_changed(*slot, turn);
    assignments.offer_what_fits(slot->pool, turn);
}

// ---- the daemon ---------------------------------------------------------------------------------

void Dispatcher::State::handle(const TimerFired& /*event*/, Turn& turn)
{
    armed.reset();
    for (auto due = workforce.deadlines().take_due(turn.now); due;
         due = workforce.deadlines().take_due(turn.now)) {
        if (due->kind == DeadlineKey::Kind::grace) {
            evict_all(turn);
        } else {
            workforce.deadline_passed(*due, turn);
        }
    }
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
    workforce.deadlines().cancel(grace_key);
    workforce.each_slot([&](WorkerSlot& slot) { assignments.mark_for_stop(slot, turn); });
    workforce.kill_all(turn);
}

/// Nothing new begins: what is queued ends, what may not have begun is called back.
void Dispatcher::State::drain(Turn& turn)
{
    life = DaemonLife::draining;
    for (std::size_t i = 0; i < book.pools(); ++i) {
        const PoolId pool{static_cast<std::uint16_t>(i)};
        while (book.first_queued(pool) != no_job) {
            book.step(book.first_queued(pool), JobWord::stop, turn);
        }
    }
    workforce.each_slot([&](WorkerSlot& slot) { assignments.call_back(slot, turn); });
}

void Dispatcher::State::evict_all(Turn& turn)
{
    life = DaemonLife::ending;
    workforce.deadlines().cancel(grace_key);
    workforce.each_slot([&](WorkerSlot& slot) {
        assignments.mark_for_stop(slot, turn);
        const JobHandle running = book.running(slot);
        if (slot.state == WorkerState::busy && running != no_job) {
            turn.ask(RaiseCancelFlag{.worker = slot.worker, .sequence = book[running].sequence});
        }
        workforce.step(slot, WorkerWord::evict, turn);
    });
}

void Dispatcher::State::finish(Turn& turn)
{
    dissolve_retired(turn);
    const bool stopping = life == DaemonLife::draining || life == DaemonLife::ending;
    if (stopping && book.size() == 0 && workforce.filled() == 0) {
        life = DaemonLife::stopped;
        workforce.deadlines().cancel(grace_key);
        turn.ask(Stopped{});
    }
    const std::optional<TimePoint> next = workforce.deadlines().next();
    if (next && next != armed) {
        armed = next;
        turn.ask(ArmTimer{.at = *next});
    }
}

// ---- the surface --------------------------------------------------------------------------------

Dispatcher::Dispatcher(Patience patience) : state_(std::make_unique<State>(patience)) {}
Dispatcher::~Dispatcher() = default;
Dispatcher::Dispatcher(Dispatcher&&) noexcept = default;
Dispatcher& Dispatcher::operator=(Dispatcher&&) noexcept = default;

void Dispatcher::on(const Event& event, TimePoint now, Effects& effects)
{
    Turn turn{.now = now, .effects = effects};
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

std::optional<JobState> Dispatcher::state_of(JobId job) const
{
    const JobHandle handle = state_->book.find(job);
    if (handle == no_job) {
        return {};
    }
    return state_->book[handle].stage == JobStage::queued ? JobState::queued : JobState::running;
}

std::optional<WorkerId> Dispatcher::worker_of(JobId job) const
{
    const JobHandle handle = state_->book.find(job);
    if (handle == no_job || state_->book[handle].stage == JobStage::queued) {
        return {};
    }
    return state_->book[handle].worker;
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

std::uint64_t Dispatcher::unfinished_jobs() const
{
    return state_->book.size();
}

std::uint64_t Dispatcher::stale_events() const
{
    return state_->stale;
}

}  // namespace jobmill::core
