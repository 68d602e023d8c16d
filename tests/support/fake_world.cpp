// SPDX-License-Identifier: MIT
// What happens in the world.
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

void FakeWorld::succeed(PoolId old, std::uint16_t handler, PoolId to, std::uint16_t to_handler)
{
    feed(core::HandlerSucceeded{
        .pool = old, .handler = handler, .to = to, .to_handler = to_handler});
}

void FakeWorld::retire_pool(PoolId pool)
{
    feed(core::PoolRetired{.pool = pool});
}

void FakeWorld::suspend_pool(PoolId pool, bool suspended)
{
    feed(core::PoolSuspended{.pool = pool, .suspended = suspended});
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
    job.handler = wanted.handler;
    job.batch = wanted.batch;
    job.terms = wanted.terms;
    job.offer_size = wanted.offer_size;
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
    PretendPool& pool = pool_of(job.pool);
    pool.submits_follow = pool.submits_follow || wanted.more;
    feed(wanted);
    return job.id;
}

void FakeWorld::end_submits(PoolId pool)
{
    pool_of(pool).submits_follow = false;
    feed(core::SubmitsHeard{.pool = pool});
}

void FakeWorld::cancel(JobId job, bool unless_running)
{
    feed(core::CancelRequested{.job = job, .unless_running = unless_running});
}

void FakeWorld::lose_session(SessionId session)
{
    feed(core::SessionLost{.session = session});
}

void FakeWorld::set_behind(SessionId session, bool behind)
{
    feed(core::SessionBehind{.session = session, .behind = behind});
}

void FakeWorld::suspend_user(UserId user, bool suspended)
{
    feed(core::UserSuspended{.user = user, .suspended = suspended});
}

void FakeWorld::pause(JobId job, bool paused, bool for_long)
{
    feed(core::JobPaused{.job = job, .paused = paused, .for_long = for_long});
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
    ends_go_on_ = false;
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
    worker.current_since = now_;
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
        {.worker = worker.id,
         .sequence = worker.current,
         .state = state,
         .cpu = cpu,
         .ran = std::max<Duration>(now_ - worker.current_since, std::chrono::microseconds{1})});
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
    tell_words(worker, 1, false);
}

void FakeWorld::tell_words(PretendWorker& worker, std::size_t count, bool one_is_half)
{
    for (; count > 0; --count) {
        core::JobFinished finished = worker.link.front();
        worker.link.erase(worker.link.begin());
        finished.more = count > 1 || one_is_half;
        feed(finished);
    }
    if (one_is_half) {
        feed(core::WordsHeard{.worker = worker.id});
    }
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
    must_let_be_.reset();
    must_be_killed_.reset();
    must_judge_.reset();
    must_be_heard_.reset();
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

}  // namespace jobmill::sim
