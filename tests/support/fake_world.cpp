// SPDX-License-Identifier: MIT
#include "tests/support/fake_world.hpp"

#include <algorithm>

#include "tests/support/describe.hpp"

namespace jobmill::sim {

using Life = PretendWorker::Life;
using Mark = PretendWorker::Mark;
using Place = PretendJob::Place;
using Template = PretendPool::Template;

FakeWorld::FakeWorld(const core::Patience& patience, bool late_answers)
    : patience_(patience), late_answers_(late_answers), dispatcher_(patience)
{
}

PoolId FakeWorld::add_pool(std::uint32_t workers, std::uint32_t depth, bool reuse_number)
{
    PretendPool pool;
    pool.id = PoolId{static_cast<std::uint16_t>(pools_.size())};
    const auto gone = std::find_if(pools_.begin(), pools_.end(),
                                   [](const PretendPool& each) { return each.gone; });
    pool.workers = workers;
    pool.depth = depth;
    if (reuse_number && gone != pools_.end()) {
        pool.id = gone->id;
        *gone = pool;
    } else {
        pools_.push_back(pool);
    }
    feed(core::PoolAdded{.pool = pool.id, .workers = workers, .depth = depth});
    return pool.id;
}

void FakeWorld::resize_pool(PoolId pool, std::uint32_t workers)
{
    feed(core::PoolResized{.pool = pool, .workers = workers});
}

void FakeWorld::retire_pool(PoolId pool)
{
    feed(core::PoolRetired{.pool = pool});
}

void FakeWorld::move_jobs(PoolId from, PoolId to)
{
    const std::set<JobId> queued = pool_of(from).queued;
    for (const JobId job : queued) {
        feed(core::JobMoved{.job = job, .to = to});
    }
}

// ---- clients and the operator -------------------------------------------------------------------

JobId FakeWorld::submit(PoolId pool, SessionId session, bool detached)
{
    PretendJob job;
    job.id = JobId{++submitted_};
    job.session = session;
    job.pool = pool;
    job.attached = !detached;
    jobs_[job.id] = job;
    pool_of(pool).queued.insert(job.id);
    feed(core::JobSubmitted{.job = job.id, .session = session, .pool = pool, .detached = detached});
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

void FakeWorld::stop(Duration grace)
{
    feed(core::StopRequested{.grace = grace});
}

void FakeWorld::stop_now()
{
    feed(core::StopNow{});
}

void FakeWorld::advance(Duration duration)
{
    now_ += duration;
    if (armed_ && *armed_ <= now_) {
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
    for (const auto& [id, worker] : workers_) {
        if (worker.pool == pool.id && !worker.known() && !worker.exit_told) {
            unresolved.push_back(id);
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
    worker.inbox.pop_front();
    PretendWorker::Claim& claim = worker.claim(offer.sequence);
    if (claim.sequence != offer.sequence || claim.mark != Mark::offered) {
        return;
    }
    claim.mark = Mark::claimed;
    worker.current = offer.sequence;
    const auto job = jobs_.find(offer.job);
    if (job != jobs_.end() && ++job->second.runs > 1) {
        throw Violation("a job was begun twice");
    }
}

void FakeWorld::finish(PretendWorker& worker, JobState state)
{
    worker.link.push_back({.worker = worker.id, .sequence = worker.current, .state = state});
    worker.current = {};
}

void FakeWorld::die(PretendWorker& worker)
{
    worker.life = Life::dead;
    worker.current = {};
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
    worker.link.pop_front();
    feed(finished);
}

void FakeWorld::tell_misbehaved(PretendWorker& worker)
{
    feed(core::WorkerMisbehaved{.worker = worker.id});
}

void FakeWorld::tell_exit(PretendWorker& worker)
{
    feed(core::WorkerExited{.worker = worker.id});
}

void FakeWorld::tell_answer(std::size_t which)
{
    const core::ClaimRevoked answer = answers_.at(which);
    answers_.erase(answers_.begin() + static_cast<std::ptrdiff_t>(which));
    feed(answer);
}

void FakeWorld::tell(const core::Event& event)
{
    feed(event);
}

void FakeWorld::feed(const core::Event& event)
{
    if (trace) {
        trace(std::to_string(now_.time_since_epoch().count()) + " " + core::text_of(event));
    }
    happening_ = &event;
    must_end_.reset();
    must_be_killed_.reset();
    std::visit([&](const auto& happened) { foresee(happened); }, event);
    for (PretendPool& pool : pools_) {
        pool.surplus_before = surplus(pool.id);
    }
    effects_.clear();
    dispatcher_.on(event, now_, effects_);
    for (const core::Effect& effect : effects_) {
        if (trace) {
            trace("    " + core::text_of(effect));
        }
        std::visit([&](const auto& asked) { carry_out(asked); }, effect);
    }
    review();
    happening_ = nullptr;
    bury();
    while (!late_answers_ && !answers_.empty()) {
        tell_answer(0);
    }
}

// What the core is about to know.

void FakeWorld::foresee(const core::WorkerForked& event)
{
    if (PretendWorker* worker = find(event.worker); worker != nullptr && !worker->forked_told) {
        worker->forked_told = true;
        worker->forked_at = now_;
    }
}

void FakeWorld::foresee(const core::ForkFailed& event)
{
    if (PretendWorker* worker = find(event.worker); worker != nullptr && !worker->known()) {
        worker->exit_told = true;
    }
}

void FakeWorld::foresee(const core::WorkerReady& event)
{
    PretendWorker* worker = find(event.worker);
    if (worker != nullptr && !worker->exit_told && !worker->leaving()) {
        worker->hello_told = true;  // later it does not count any more
    }
}

void FakeWorld::foresee(const core::WorkerExited& event)
{
    if (PretendWorker* worker = find(event.worker)) {
        worker->exit_told = true;
    }
}

void FakeWorld::foresee(const core::WorkerMisbehaved& event)
{
    if (PretendWorker* worker = find(event.worker);
        worker != nullptr && worker->known() && !worker->exit_told) {
        worker->misbehaved = true;
        must_be_killed_ = worker->id;
    }
}

void FakeWorld::foresee(const core::TemplateReady& event)
{
    pool_of(event.pool).told_ready = pool_of(event.pool).state == Template::ready;
}

void FakeWorld::foresee(const core::TemplateLost& event)
{
    pool_of(event.pool).told_ready = pool_of(event.pool).state == Template::ready;
}

void FakeWorld::foresee(const core::CancelRequested& event)
{
    if (const auto job = jobs_.find(event.job); job != jobs_.end()) {
        ask_cancel(job->second);
    }
}

void FakeWorld::foresee(const core::SessionLost& event)
{
    for (auto& [id, job] : jobs_) {
        if (job.attached && job.session == event.session) {
            ask_cancel(job);
        }
    }
}

void FakeWorld::ask_cancel(PretendJob& job)
{
    job.cancel_asked = true;
    if (job.place == Place::queued) {
        must_end_ = job.id;
    }
}

void FakeWorld::foresee(const core::JobFinished& event)
{
    PretendWorker* worker = find(event.worker);
    if (worker == nullptr || worker->exit_told) {
        return;
    }
    const auto offer = std::find_if(
        worker->held.begin(), worker->held.end(),
        [&](const PretendWorker::Offer& held) { return held.sequence == event.sequence; });
    if (offer == worker->held.end()) {
        if (worker->hostile) {
            worker->misbehaved = true;
            must_be_killed_ = worker->id;
        }
        return;
    }
    must_end_ = offer->job;
    worker->finished_told = std::max(worker->finished_told, event.sequence);
    // An honest worker's earlier jobs are over or were taken back, told or not.
    for (auto earlier = worker->held.begin(); earlier != offer; ++earlier) {
        worker->misbehaved =
            worker->misbehaved || worker->claim(earlier->sequence).mark != Mark::revoked;
    }
}

void FakeWorld::foresee(const core::ClaimRevoked& event)
{
    PretendWorker* worker = find(event.worker);
    if (worker == nullptr) {
        return;
    }
    if (!event.won) {
        const bool news = worker->holds(event.sequence) && event.sequence > worker->begun_told;
        worker->begun_told = news ? event.sequence : worker->begun_told;
        if (worker->holds(event.sequence) && event.sequence < worker->finished_told &&
            !worker->exit_told) {
            worker->misbehaved = true;
            must_be_killed_ = worker->id;
        }
        return;
    }
    for (const PretendWorker::Offer& offer : worker->held) {
        if (offer.sequence == event.sequence) {
            PretendJob& job = jobs_.at(offer.job);
            release(job);
            job.place = Place::queued;
            pool_of(job.pool).queued.insert(job.id);
            return;
        }
    }
}

void FakeWorld::foresee(const core::StopRequested& event)
{
    stop_asked_ = true;
    grace_until_ = now_ + event.grace;
    grace_over_ = grace_over_ || event.grace <= Duration::zero();
}

void FakeWorld::foresee(const core::StopNow& /*event*/)
{
    stop_asked_ = true;
    grace_over_ = true;
    kill_asked_ = true;
}

void FakeWorld::foresee(const core::TimerFired& /*event*/)
{
    grace_over_ = grace_over_ || (grace_until_ && *grace_until_ <= now_);
}

void FakeWorld::foresee(const core::TemplateSilent& event)
{
    pool_of(event.pool).silent_told = true;
}

void FakeWorld::foresee(const core::PoolResized& event)
{
    PretendPool& pool = pool_of(event.pool);
    pool.shrunk = pool.shrunk || event.workers < pool.workers;
    pool.workers = event.workers;
    for (auto& [id, worker] : workers_) {
        worker.offered_since_resize = worker.offered_since_resize && worker.pool != pool.id;
    }
}

void FakeWorld::foresee(const core::PoolRetired& event)
{
    pool_of(event.pool).retired = true;
}

void FakeWorld::foresee(const core::JobMoved& event)
{
    PretendJob& job = jobs_.at(event.job);
    if (job.place == Place::queued && !stop_asked_) {
        pool_of(job.pool).queued.erase(job.id);
        job.pool = event.to;
        pool_of(job.pool).queued.insert(job.id);
    }
}

void FakeWorld::foresee(const core::PoolAdded& /*event*/) {}
void FakeWorld::foresee(const core::JobSubmitted& /*event*/) {}

// ---- effects ------------------------------------------------------------------------------------

void FakeWorld::carry_out(const core::StartTemplate& effect)
{
    PretendPool& pool = pool_of(effect.pool);
    if (stop_asked_ || pool.state != Template::absent || pool.gone) {
        throw Violation("a template was started that nobody needs");
    }
    if (pool.unready_losses > 1 && now_ - pool.absent_since < patience_.first_backoff) {
        throw Violation("a template that fails was started without a pause");
    }
    pool.state = Template::loading;
    pool.loading_since = now_;
}

void FakeWorld::carry_out(const core::DismissTemplate& effect)
{
    PretendPool& pool = pool_of(effect.pool);
    if (!may_dissolve(effect.pool) || pool.state == Template::absent || pool.dismissed_at ||
        pool.killed || staying(effect.pool) > 0) {
        throw Violation("a template was dismissed that is needed");
    }
    pool.dismissed_at = now_;
    pool.told_ready = false;
}

void FakeWorld::carry_out(const core::KillTemplate& effect)
{
    PretendPool& pool = pool_of(effect.pool);
    const auto over = [this](std::optional<TimePoint> since, Duration patience) {
        return since && now_ >= *since + patience;
    };
    const bool late = pool.state == Template::loading && over(pool.loading_since, patience_.load);
    if (pool.state == Template::absent || pool.killed ||
        !(pool.silent_told || late || over(pool.dismissed_at, patience_.dismiss))) {
        throw Violation("a template was killed for no reason");
    }
    pool.killed = true;
    pool.told_ready = false;
}

void FakeWorld::carry_out(const core::PoolGone& effect)
{
    PretendPool& pool = pool_of(effect.pool);
    const bool left = std::any_of(workers_.begin(), workers_.end(), [&](const auto& entry) {
        return entry.second.pool == effect.pool && !entry.second.exit_told;
    });
    if (!pool.retired || pool.gone || has_jobs(effect.pool) || left ||
        pool.state != Template::absent) {
        throw Violation("a pool is gone of which something is left");
    }
    pool.gone = true;
    pool.told_ready = false;
    for (auto& [number, slot] : slots_) {
        if (slot.pool == effect.pool) {
            slot.pool.reset();
        }
    }
}

void FakeWorld::carry_out(const core::ForkWorker& effect)
{
    PretendSlot& slot = slots_[effect.worker.slot];
    const PretendWorker* last = find({effect.worker.slot, slot.generation});
    if (stop_asked_ || !pool_of(effect.pool).told_ready ||
        slot.pool.value_or(effect.pool) != effect.pool) {
        throw Violation("a worker was asked of a template that cannot fork it");
    }
    if (effect.worker.generation != slot.generation + 1 ||
        (last != nullptr && (!last->exit_told || !last->held.empty()))) {
        throw Violation("a slot was filled that is not empty");
    }
    check_backoff(slot, last);
    slot.pool = effect.pool;
    slot.generation = effect.worker.generation;
    PretendWorker& worker = workers_[effect.worker];
    worker.id = effect.worker;
    worker.pool = effect.pool;
}

void FakeWorld::carry_out(const core::OfferJob& effect)
{
    PretendWorker& worker = existing(effect.worker, "a job was offered to nobody");
    PretendPool& pool = pool_of(worker.pool);
    if (!worker.open() || worker.stopping_a_job() || stop_asked_) {
        throw Violation("a job was offered to a worker that takes none");
    }
    if (pool.queued.empty() || *pool.queued.begin() != effect.job) {
        throw Violation("a job was offered out of turn");
    }
    if (worker.held.size() >= pool.depth) {
        throw Violation("a worker was offered more than it may hold");
    }
    if (number(effect.sequence) != ++worker.offers) {
        throw Violation("a sequence is not the next");
    }
    PretendWorker::Claim& claim = worker.claim(effect.sequence);
    if (worker.holds(claim.sequence)) {
        throw Violation("a claim word was overwritten that is in use");
    }
    check_spread(worker);
    worker.offered_since_resize = true;
    claim = {.sequence = effect.sequence, .mark = Mark::offered};
    worker.held.push_back({.sequence = effect.sequence, .job = effect.job});
    if (worker.life == Life::running) {
        worker.inbox.push_back(worker.held.back());
    }
    pool.queued.erase(effect.job);
    PretendJob& job = jobs_.at(effect.job);
    job.place = Place::held;
    job.worker = effect.worker;
    job.sequence = effect.sequence;
}

void FakeWorld::carry_out(const core::RevokeClaim& effect)
{
    PretendWorker& worker = existing(effect.worker, "a claim of nobody was revoked");
    PretendWorker::Claim& claim = worker.claim(effect.sequence);
    if (!worker.holds(effect.sequence)) {
        throw Violation("a claim was revoked that the worker does not hold");
    }
    const bool won = claim.sequence == effect.sequence && claim.mark == Mark::offered;
    if (won) {
        claim.mark = Mark::revoked;
    }
    answers_.push_back({.worker = effect.worker, .sequence = effect.sequence, .won = won});
}

void FakeWorld::carry_out(const core::RaiseCancelFlag& effect)
{
    PretendWorker& worker = existing(effect.worker, "nobody was flagged");
    if (worker.exit_told || worker.leaving() || !worker.holds(effect.sequence)) {
        throw Violation("a worker was flagged for a job that it does not hold");
    }
    if (!worker.claimed(effect.sequence)) {
        throw Violation("a worker was flagged for a job that it has not begun");
    }
    if (effect.sequence < worker.begun_told) {
        throw Violation("a worker was flagged for a job that it has finished");
    }
    worker.flagged = effect.sequence;
    worker.flagged_at = now_;
}

void FakeWorld::carry_out(const core::DismissWorker& effect)
{
    PretendWorker& worker = existing(effect.worker, "nobody was dismissed");
    if (worker.exit_told || worker.dismissed_at || worker.killed_at || !worker.held.empty() ||
        !(stop_asked_ || worker.terminated_at || may_dissolve(worker.pool) ||
          pool_of(worker.pool).shrunk)) {
        throw Violation("a worker was dismissed for no reason");
    }
    worker.dismissed_at = now_;
}

void FakeWorld::carry_out(const core::TerminateWorker& effect)
{
    PretendWorker& worker = existing(effect.worker, "nobody was terminated");
    const bool overdue = worker.flagged_at && worker.stopping_a_job() &&
                         now_ >= *worker.flagged_at + patience_.cancel;
    if (worker.exit_told || worker.leaving() || !(overdue || grace_over_)) {
        throw Violation("a worker was terminated for no reason");
    }
    worker.terminated_at = now_;
}

void FakeWorld::carry_out(const core::KillWorker& effect)
{
    PretendWorker& worker = existing(effect.worker, "nobody was killed");
    check_kill(worker);
    worker.killed_at = now_;
}

void FakeWorld::carry_out(const core::JobEnded& effect)
{
    const auto found = jobs_.find(effect.job);
    if (found == jobs_.end()) {
        throw Violation("a job ended that is unknown, or for the second time");
    }
    PretendJob& job = found->second;
    check_end(effect, job);
    ++ended_.at(static_cast<std::size_t>(effect.state));
    if (job.place == Place::queued) {
        pool_of(job.pool).queued.erase(job.id);
    } else {
        release(job);
    }
    jobs_.erase(found);
}

void FakeWorld::carry_out(const core::ArmTimer& effect)
{
    armed_ = effect.at;
}

void FakeWorld::carry_out(const core::Stopped& /*effect*/)
{
    const bool empty = std::all_of(workers_.begin(), workers_.end(), [](const auto& entry) {
        return entry.second.exit_told && entry.second.held.empty();
    });
    if (stopped_ || !stop_asked_ || !jobs_.empty() || !empty) {
        throw Violation("stopped twice, unasked, or with something left");
    }
    stopped_ = true;
}

// ---- the world's own books ----------------------------------------------------------------------

void FakeWorld::release(PretendJob& job)
{
    PretendWorker& worker = workers_.at(job.worker);
    std::erase_if(worker.held,
                  [&](const PretendWorker::Offer& offer) { return offer.job == job.id; });
    job.worker = {};
    job.sequence = {};
}

/// A process is forgotten when the core has no more to do with it.
void FakeWorld::bury()
{
    for (auto at = workers_.begin(); at != workers_.end();) {
        const PretendWorker& worker = at->second;
        if (!worker.exit_told || !worker.held.empty()) {
            ++at;
            continue;
        }
        PretendSlot& slot = slots_.at(worker.id.slot);
        if (slot.generation == worker.id.generation) {
            slot.last_was_ready = worker.hello_told;
            slot.empty_since = now_;
        }
        past_.push_back(worker.id);
        at = workers_.erase(at);
    }
}

std::uint32_t FakeWorld::staying(PoolId pool) const
{
    return static_cast<std::uint32_t>(
        std::count_if(workers_.begin(), workers_.end(), [&](const auto& entry) {
            return entry.second.pool == pool && !entry.second.exit_told && !entry.second.leaving();
        }));
}

bool FakeWorld::has_jobs(PoolId pool) const
{
    return std::any_of(jobs_.begin(), jobs_.end(),
                       [&](const auto& entry) { return entry.second.pool == pool; });
}

bool FakeWorld::may_dissolve(PoolId pool) const
{
    return pool_of(pool).retired && !has_jobs(pool);
}

PretendWorker* FakeWorld::find(WorkerId worker)
{
    const auto found = workers_.find(worker);
    return found == workers_.end() ? nullptr : &found->second;
}

PretendWorker& FakeWorld::existing(WorkerId worker, const char* what)
{
    PretendWorker* found = find(worker);
    if (found == nullptr) {
        throw Violation(what);
    }
    return *found;
}

}  // namespace jobmill::sim
