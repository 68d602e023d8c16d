// SPDX-License-Identifier: MIT
// What happens in the world, and its own books of it.
#include "tests/support/fake_world.hpp"

#include <algorithm>

#include "tests/support/describe.hpp"

namespace jobmill::sim {

using Life = PretendWorker::Life;
using Mark = PretendWorker::Mark;
using Place = PretendJob::Place;
using Template = PretendPool::Template;

FakeWorld::FakeWorld(const Physics& physics, std::uint64_t seed)
    : physics_(physics), dispatcher_(physics.patience, seed), labels_(most_labels)
{
}

// ---- the operator -------------------------------------------------------------------------------

PoolId FakeWorld::add_pool(core::PoolAdded wanted, bool reuse_number)
{
    std::size_t place = 0;
    while (place < pools_.size() && !(reuse_number && pools_[place].gone)) {
        ++place;
    }
    if (place == pools_.size()) {
        pools_.emplace_back();
    }
    wanted.pool = PoolId{static_cast<std::uint16_t>(place)};
    PretendPool& pool = pools_[place];
    pool = PretendPool{};
    pool.id = wanted.pool;
    pool.workers = wanted.workers;
    pool.depth = wanted.depth;
    pool.terms = wanted.terms;
    feed(wanted);
    return pool.id;
}

void FakeWorld::resize_pool(PoolId pool, std::uint32_t workers)
{
    feed(core::PoolResized{.pool = pool, .workers = workers});
}

void FakeWorld::adjust_pool(PoolId pool, const core::PoolTerms& terms)
{
    feed(core::PoolAdjusted{.pool = pool, .terms = terms});
}

void FakeWorld::retire_pool(PoolId pool)
{
    feed(core::PoolRetired{.pool = pool});
}

void FakeWorld::move_jobs(PoolId from, PoolId to)
{
    std::vector<JobId> moving;
    for (const JobId id : alive_) {
        if (job(id).pool == from && job(id).unassigned()) {
            moving.push_back(id);
        }
    }
    std::sort(moving.begin(), moving.end());
    for (const JobId id : moving) {
        feed(core::JobMoved{.job = id, .to = to});
    }
}

void FakeWorld::relabel(JobId job, LabelId label)
{
    feed(core::JobRelabelled{.job = job, .label = label});
}

void FakeWorld::adjust_label(LabelId label, std::uint32_t max_running, std::uint32_t weight)
{
    feed(core::LabelAdjusted{.label = label, .max_running = max_running, .weight = weight});
}

void FakeWorld::adjust_cap(std::uint32_t max_running)
{
    feed(core::CapAdjusted{.max_running = max_running});
}

void FakeWorld::judge_memory(bool low)
{
    feed(core::MemoryJudged{.low = low});
}

void FakeWorld::stop(Duration grace)
{
    feed(core::StopRequested{.grace = grace});
}

void FakeWorld::stop_now()
{
    feed(core::StopNow{});
}

// ---- clients ------------------------------------------------------------------------------------

JobId FakeWorld::submit(core::JobSubmitted wanted)
{
    wanted.job = JobId{jobs_.size() + 1};
    PretendJob& job = jobs_.emplace_back();
    job.id = wanted.job;
    job.session = wanted.session;
    job.pool = wanted.pool;
    job.user = wanted.user;
    job.label = wanted.label;
    job.batch = wanted.batch;
    job.terms = wanted.terms;
    job.attached = !wanted.detached;
    job.due = core::after(now_, wanted.terms.delay);
    job.expires = core::after(now_, wanted.terms.queue_timeout);
    job.alive_at = alive_.size();
    alive_.push_back(job.id);
    if (number(wanted.parent) != 0 && job_of(wanted.parent).place == Place::held) {
        job.parent = wanted.parent;
        PretendJob& parent = job_of(wanted.parent);
        ++parent.children;
        set_lending(parent, true);
    }
    if (PretendBatch* batch = batch_of(job)) {
        ++batch->counts.submitted;
        ++batch->unfinished;
    }
    if (job.due > now_) {
        job.place = Place::waiting;
        ++pool_of(job.pool).waiting;
    } else {
        enqueue(job, true);
    }
    if (stop_asked_) {
        must_end_.push_back(job.id);
    }
    feed(wanted);
    return job.id;
}

void FakeWorld::cancel(JobId job)
{
    feed(core::CancelRequested{.job = job});
}

void FakeWorld::lose_session(SessionId session)
{
    feed(core::SessionLost{.session = session});
}

void FakeWorld::set_behind(SessionId session, bool behind)
{
    feed(core::SessionBehind{.session = session, .behind = behind});
}

BatchId FakeWorld::open_batch(const core::HaltRule& rule)
{
    batches_.push_back({.rule = rule});
    const BatchId batch{static_cast<std::uint32_t>(batches_.size())};
    feed(core::BatchOpened{.batch = batch, .halt = rule});
    return batch;
}

void FakeWorld::close_batch(BatchId batch)
{
    feed(core::BatchClosed{.batch = batch});
}

bool FakeWorld::sealed(BatchId batch) const
{
    const PretendBatch& found = batches_.at(number(batch) - 1);
    return found.closed || found.counts.halted;
}

void FakeWorld::advance(Duration duration, bool late)
{
    now_ += duration;
    if (armed_ && *armed_ <= now_ && !late) {
        fire_timer();
    }
}

void FakeWorld::fire_timer()
{
    armed_.reset();
    feed(core::TimerFired{});
}

// ---- templates ----------------------------------------------------------------------------------

void FakeWorld::template_loads(PretendPool& pool)
{
    pool.state = Template::ready;
    feed(core::TemplateReady{.pool = pool.id});
}

void FakeWorld::template_dies(PretendPool& pool)
{
    std::vector<WorkerId> unresolved;
    for (const auto& worker : workers_) {
        if (worker->pool == pool.id && !worker->known() && !worker->exit_told) {
            unresolved.push_back(worker->id);
        }
    }
    for (const WorkerId id : unresolved) {
        feed(core::ForkFailed{.worker = id});
    }
    pool.unready_losses = pool.state == Template::ready ? 0 : pool.unready_losses + 1;
    pool.state = Template::absent;
    pool.hung = pool.silent_told = pool.killed = false;
    pool.loading_since.reset();
    pool.dismissed_at.reset();
    pool.absent_since = now_;
    feed(core::TemplateLost{.pool = pool.id});
}

void FakeWorld::tell_silent(PretendPool& pool)
{
    feed(core::TemplateSilent{.pool = pool.id});
}

void FakeWorld::fork_happens(PretendWorker& worker)
{
    worker.life = Life::running;
}

void FakeWorld::fork_fails(PretendWorker& worker)
{
    feed(core::ForkFailed{.worker = worker.id});
}

// ---- workers ------------------------------------------------------------------------------------

void FakeWorld::say_hello(PretendWorker& worker)
{
    worker.hello_said = true;
    worker.hello_in_link = true;
}

void FakeWorld::begin_next(PretendWorker& worker)
{
    const PretendWorker::Offer offer = worker.inbox.front();
    worker.inbox.erase(worker.inbox.begin());
    PretendWorker::Claim& claim = worker.claim(offer.sequence);
    if (claim.sequence != offer.sequence || claim.mark != Mark::offered) {
        return;
    }
    claim.mark = Mark::claimed;
    worker.current = offer.sequence;
    worker.current_job = offer.job;
    PretendJob& job = job_of(offer.job);
    const bool its_own = job.place == Place::held && job.worker == worker.id &&
                         job.sequence == offer.sequence && job.attempt == offer.attempt;
    demand(its_own || worker.hostile, "a job went elsewhere and was not taken back");
    if (its_own) {
        demand(job.begun_attempt < job.attempt, "an attempt was begun twice");
        job.begun_attempt = job.attempt;
    }
}

void FakeWorld::finish(PretendWorker& worker, JobState state, Duration cpu)
{
    worker.link.push_back(
        {.worker = worker.id, .sequence = worker.current, .state = state, .cpu = cpu});
    worker.current = {};
    worker.current_job = {};
}

void FakeWorld::die(PretendWorker& worker, bool by_limit)
{
    worker.died_by_limit = by_limit && number(worker.current) != 0;
    worker.life = Life::dead;
    worker.current = {};
    worker.current_job = {};
    worker.inbox.clear();
}

// ---- the edge -----------------------------------------------------------------------------------

void FakeWorld::tell_forked(PretendWorker& worker)
{
    feed(core::WorkerForked{.worker = worker.id});
}

void FakeWorld::tell_next(PretendWorker& worker)
{
    if (worker.hello_in_link) {
        worker.hello_in_link = false;
        feed(core::WorkerReady{.worker = worker.id});
        return;
    }
    const core::JobFinished finished = worker.link.front();
    worker.link.erase(worker.link.begin());
    feed(finished);
}

void FakeWorld::tell_exit(PretendWorker& worker)
{
    feed(core::WorkerExited{.worker = worker.id, .by_limit = worker.died_by_limit});
}

void FakeWorld::tell_answer(std::size_t which)
{
    const core::ClaimRevoked answer = answers_.at(which);
    answers_.erase(answers_.begin() + static_cast<std::ptrdiff_t>(which));
    feed(answer);
}

void FakeWorld::feed(const core::Event& event)
{
    if (trace) {
        trace(std::to_string(now_.time_since_epoch().count()) + " " + core::text_of(event));
    }
    ++events_;
    happening_ = &event;
    if (!std::holds_alternative<core::JobSubmitted>(event)) {
        must_end_.clear();
    }
    must_leave_.reset();
    must_be_killed_.reset();
    must_judge_.reset();
    for (PretendPool& pool : pools_) {
        pool.allowed_before = pool.allowed();
        pool.before = pool.counts;
    }
    std::visit([&](const auto& happened) { foresee(happened); }, event);
    effects_.clear();
    dispatcher_.on(event, now_, effects_);
    for (PretendPool& pool : pools_) {
        pool.counts = dispatcher_.counts(pool.id);
    }
    for (const core::Effect& effect : effects_) {
        if (trace) {
            trace("    " + core::text_of(effect));
        }
        std::visit([&](const auto& asked) { carry_out(asked); }, effect);
    }
    review();
    must_end_.clear();
    happening_ = nullptr;
    bury();
    while (!physics_.late_answers && !answers_.empty()) {
        tell_answer(0);
    }
}

// ---- the world's own books ----------------------------------------------------------------------

PretendBatch* FakeWorld::batch_of(const PretendJob& job)
{
    return number(job.batch) == 0 ? nullptr : &batches_.at(number(job.batch) - 1);
}

void FakeWorld::enqueue(PretendJob& job, bool anew, bool together)
{
    PretendPool& pool = pool_of(job.pool);
    job.place = Place::queued;
    if (anew) {
        pool.queue.push(job, now_, together);
    } else {
        pool.queue.put_back(job, now_);
    }
    if (physics_.only_fairness) {
        pool.served.queued(job, 1);
    }
}

/// From the queue, or from those that wait.
void FakeWorld::unqueue(PretendJob& job)
{
    PretendPool& pool = pool_of(job.pool);
    if (job.place == Place::waiting) {
        --pool.waiting;
        return;
    }
    pool.queue.remove(job);
    if (physics_.only_fairness) {
        pool.served.queued(job, -1);
    }
}

void FakeWorld::hold(PretendJob& job, PretendWorker& worker, Sequence sequence)
{
    unqueue(job);
    job.place = Place::held;
    job.worker = worker.id;
    job.sequence = sequence;
    if (worker.held.empty()) {
        job.front_since = now_;
    }
    worker.held.push_back({.sequence = sequence, .job = job.id, .attempt = job.attempt});
    PretendPool& pool = pool_of(job.pool);
    ++pool.held;
    ++working_;
    count_label(job, 1);
}

void FakeWorld::release(PretendJob& job)
{
    set_lending(job, false);
    PretendWorker& worker = existing(job.worker, "a job is held by nobody");
    const bool first = worker.held.front().job == job.id;
    std::erase_if(worker.held,
                  [&](const PretendWorker::Offer& offer) { return offer.job == job.id; });
    if (worker.held.empty()) {
        worker.idle_since = now_;
    } else if (first) {
        job_of(worker.held.front().job).front_since = now_;
    }
    PretendPool& pool = pool_of(job.pool);
    --pool.held;
    --working_;
    count_label(job, -1);
    job.worker = {};
    job.sequence = {};
}

/// One more or less of its label runs.
void FakeWorld::count_label(const PretendJob& job, int change)
{
    PretendLabel& label = labels_.at(number(job.label));
    label.running += static_cast<std::uint32_t>(change);
    label.lending += job.lends ? static_cast<std::uint32_t>(change) : 0U;
}

void FakeWorld::set_lending(PretendJob& job, bool lends)
{
    if (job.lends == lends) {
        return;
    }
    job.lends = lends;
    existing(job.worker, "nobody lends").lending += lends ? 1 : -1;
    labels_.at(number(job.label)).lending += lends ? 1U : -1U;
    if (lends) {
        ++pool_of(job.pool).lending;
        --working_;
    } else {
        --pool_of(job.pool).lending;
        ++working_;
    }
}

void FakeWorld::settle(const PretendJob& job, Duration cpu)
{
    if (physics_.only_fairness) {
        const std::uint32_t weight =
            number(job.label) == 0 ? 100 : labels_.at(number(job.label)).weight;
        pool_of(job.pool).served.spent(job, static_cast<double>(cpu.count()) * 100 / weight);
    }
}

/// The job is in no place any more, and has reached that state.
void FakeWorld::end(PretendJob& job, JobState state)
{
    job.place = Place::ended;
    ++ended_.at(static_cast<std::size_t>(state));
    ++pool_of(job.pool).ended.at(static_cast<std::size_t>(state));
    job_of(alive_.back()).alive_at = job.alive_at;
    alive_.at(job.alive_at) = alive_.back();
    alive_.pop_back();
    if (number(job.parent) != 0) {
        PretendJob& parent = job_of(job.parent);
        if (--parent.children == 0) {
            set_lending(parent, false);
        }
    }
    PretendBatch* batch = batch_of(job);
    if (batch == nullptr) {
        return;
    }
    core::BatchCounts& counts = batch->counts;
    --batch->unfinished;
    ++(state == JobState::succeeded   ? counts.succeeded
       : state == JobState::cancelled ? counts.cancelled
                                      : counts.failed);
    const core::HaltRule& rule = batch->rule;
    const std::uint64_t judged = counts.succeeded + counts.failed;
    const bool gives_up = rule.percent
                              ? counts.failed >= 3 && 100 * counts.failed >= judged * rule.fail
                              : counts.failed >= rule.fail;
    batch->halting = !counts.halted && rule.fail > 0 && gives_up;
}

/// A process is forgotten when the core has no more to do with it.
void FakeWorld::bury()
{
    if (exits_ == 0) {
        return;
    }
    std::erase_if(workers_, [this](const std::unique_ptr<PretendWorker>& each) {
        const PretendWorker& worker = *each;
        if (!worker.exit_told || !worker.held.empty()) {
            return false;
        }
        --exits_;
        past_.push_back(worker.id);
        PretendSlot& slot = slot_of(worker.id.slot);
        if (slot.worker == &worker) {
            slot.worker = nullptr;
            slot.last_was_ready = worker.hello_told;
            slot.empty_since = slot.rests_until = now_;
            if (!worker.hello_told) {
                slot.rests_until = now_ + physics_.patience.longest_backoff;
            }
            if (pool_of(worker.pool).degraded) {
                slot.rests_until = std::max(slot.rests_until, now_ + physics_.patience.probe);
            }
        }
        return true;
    });
}

PretendSlot& FakeWorld::slot_of(SlotId slot)
{
    if (number(slot) >= slots_.size()) {
        slots_.resize(std::size_t{number(slot)} + 1);
    }
    return slots_[number(slot)];
}

PretendWorker* FakeWorld::find(WorkerId worker)
{
    PretendWorker* last = slot_of(worker.slot).worker;
    if (last == nullptr || last->id == worker) {
        return last;
    }
    // One that was replaced in this very event.
    const auto found = std::find_if(
        workers_.begin(), workers_.end(),
        [&](const std::unique_ptr<PretendWorker>& each) { return each->id == worker; });
    return found == workers_.end() ? nullptr : found->get();
}

PretendWorker& FakeWorld::existing(WorkerId worker, const char* what)
{
    PretendWorker* found = find(worker);
    demand(found != nullptr, what);
    return *found;
}

}  // namespace jobmill::sim
