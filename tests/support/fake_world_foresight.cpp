// SPDX-License-Identifier: MIT
// What the core is about to know, and what must come of it.
#include <algorithm>

#include "tests/support/fake_world.hpp"

namespace jobmill::sim {

using Mark = PretendWorker::Mark;
using Place = PretendJob::Place;
using Template = PretendPool::Template;

// ---- pools and their processes ------------------------------------------------------------------

void FakeWorld::foresee(const core::PoolResized& event)
{
    PretendPool& pool = pool_of(event.pool);
    pool.workers = event.workers;
}

void FakeWorld::foresee(const core::PoolSuspended& event)
{
    pool_of(event.pool).suspended = event.suspended;
}

void FakeWorld::foresee(const core::PoolAdjusted& event)
{
    pool_of(event.pool).terms = event.terms;
    for (const auto& worker : workers_) {
        worker->worn = worker->worn || (worker->pool == event.pool &&
                                        worker->jobs_done >= event.terms.recycle_jobs);
    }
}

void FakeWorld::foresee(const core::LabelAdjusted& event)
{
    PretendLabel& label = labels_.at(number(event.label));
    label.max_running = event.max_running;
    label.weight = event.weight;
}

void FakeWorld::foresee(const core::CapAdjusted& event)
{
    cap_ = event.max_running;
}

void FakeWorld::foresee(const core::MemoryJudged& event)
{
    memory_low_ = event.low;
}

void FakeWorld::foresee(const core::HandlerSucceeded& event)
{
    pool_of(event.pool).heirs[event.handler] = {event.to, event.to_handler};
}

void FakeWorld::foresee(const core::PoolRetired& event)
{
    pool_of(event.pool).retired = true;
    for (PretendPool& pool : pools_) {
        std::erase_if(pool.heirs,
                      [&](const auto& heir) { return heir.second.first == event.pool; });
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

void FakeWorld::foresee(const core::TemplateSilent& event)
{
    pool_of(event.pool).silent_told = true;
}

void FakeWorld::foresee(const core::WorkerForked& event)
{
    if (PretendWorker* worker = find(event.worker); worker != nullptr && !worker->forked_told) {
        worker->forked_told = true;
        worker->forked_at = now_;
    }
}

void FakeWorld::tell_over(PretendWorker& worker)
{
    exits_ += worker.exit_told ? 0U : 1U;
    worker.exit_told = true;
}

void FakeWorld::foresee(const core::ForkFailed& event)
{
    if (PretendWorker* worker = find(event.worker); worker != nullptr && !worker->known()) {
        tell_over(*worker);
    }
}

void FakeWorld::foresee(const core::WorkerReady& event)
{
    PretendWorker* worker = find(event.worker);
    if (worker != nullptr && !worker->over() && !worker->leaving() && !worker->hello_told) {
        worker->hello_told = true;  // later it does not count any more
        worker->ready_at = worker->idle_since = now_;
    }
}

void FakeWorld::foresee(const core::WorkerExited& event)
{
    PretendWorker* worker = find(event.worker);
    if (worker == nullptr) {
        return;
    }
    PretendPool& pool = pool_of(worker->pool);
    tell_over(*worker);
    if (worker->condemned) {
        --pool.condemned;
    } else if (!event.by_limit) {
        const bool plain = !worker->leaving() && !worker->stopping_a_job() &&
                           pool.counts.surplus == 0 && worker->known();
        pool.crashed(now_, physics_.patience.storm, plain,
                     !worker->leaving() || worker->misbehaved || worker->stuck);
        if (plain && pool.plain_crashes.size() > pool.most_crashes()) {
            must_judge_ = pool.id;
        }
    }
}

void FakeWorld::foresee(const core::WorkerMisbehaved& event)
{
    PretendWorker* worker = find(event.worker);
    if (worker != nullptr && worker->known() && !worker->over()) {
        worker->misbehaved = true;
        must_be_killed_ = worker->id;
    }
}

void FakeWorld::foresee(const core::WorkerHung& event)
{
    PretendWorker* worker = find(event.worker);
    if (worker != nullptr && !worker->over() && !worker->held.empty()) {
        worker->hung_told = worker->held.front().sequence;
        worker->looks_dead = std::none_of(worker->held.begin(), worker->held.end(),
                                          [&](const PretendWorker::Offer& offer) {
                                              return offer.sequence <= worker->begun_told;
                                          });
    }
}

void FakeWorld::foresee(const core::WorkerWorn& event)
{
    if (PretendWorker* worker = find(event.worker)) {
        worker->worn = true;
    }
}

void FakeWorld::foresee(const core::JobDeaf& event)
{
    PretendWorker* worker = find(event.worker);
    if (worker != nullptr && worker->flagged == event.sequence) {
        worker->deaf_told = event.sequence;
        worker->deaf_at = now_;
    }
}

// ---- jobs ---------------------------------------------------------------------------------------

void FakeWorld::foresee(const core::CancelRequested& event)
{
    PretendJob& job = job_of(event.job);
    if (job.place == Place::ended) {
        return;
    }
    if (!event.unless_running || job.unassigned()) {
        ask_cancel(job);
    } else if (job.known_begun) {
        must_let_be_ = job.id;
    } else {
        job.waived = true;
    }
}

void FakeWorld::foresee(const core::SessionLost& event)
{
    mark_behind(event.session, false);
    for (const JobId id : alive_) {
        PretendJob& job = job_of(id);
        if (job.attached && job.session == event.session) {
            ask_cancel(job);
        }
    }
}

void FakeWorld::foresee(const core::SessionBehind& event)
{
    mark_behind(event.session, event.behind);
}

void FakeWorld::foresee(const core::UserSuspended& event)
{
    if (event.suspended) {
        suspended_users_.insert(event.user);
    } else {
        suspended_users_.erase(event.user);
    }
}

void FakeWorld::foresee(const core::JobPaused& event)
{
    PretendJob& job = job_of(event.job);
    if (job.place == Place::held) {
        PretendWorker& worker = existing(job.worker, "nobody is paused");
        worker.closed = worker.closed || event.paused;
        mark_paused(job, event.paused && event.for_long);
        set_lending(job, job.paused || (job.lends && job.children > 0));
    }
}

void FakeWorld::mark_behind(SessionId session, bool behind)
{
    const bool changed = behind ? behind_.insert(session).second : behind_.erase(session) > 0;
    for (PretendPool& pool : pools_) {
        if (changed) {
            pool.served.stops(session, behind);
        }
    }
}

void FakeWorld::ask_cancel(PretendJob& job)
{
    job.cancel_asked = true;
    if (job.unassigned()) {
        must_end_.push_back(job.id);
    }
}

void FakeWorld::foresee(const core::JobMoved& event)
{
    PretendJob& job = job_of(event.job);
    if (!job.unassigned() || job.pool == event.to || stop_asked_) {
        return;
    }
    const bool waits = job.place == Place::waiting;
    unqueue(job);
    job.pool = event.to;
    job.handler = event.handler;
    if (waits) {
        ++pool_of(job.pool).waiting;
    } else {
        enqueue(job, true);
    }
}

void FakeWorld::foresee(const core::JobRelabelled& event)
{
    PretendJob& job = job_of(event.job);
    if (job.place == Place::queued) {
        unqueue(job);
        job.label = event.label;
        enqueue(job, true);
        return;
    }
    if (job.place == Place::held) {
        count_label(job, -1);
    }
    job.label = event.label;
    if (job.place == Place::held) {
        count_label(job, 1);
    }
}

void FakeWorld::foresee(const core::BatchClosed& event)
{
    batches_.at(number(event.batch) - 1).closed = true;
}

void FakeWorld::foresee(const core::WordsHeard& /*event*/)
{
    words_follow_ = false;
}

void FakeWorld::foresee(const core::JobFinished& event)
{
    words_follow_ = event.more;
    PretendWorker* worker = find(event.worker);
    if (worker == nullptr || worker->over()) {
        return;
    }
    const auto offer = std::find_if(
        worker->held.begin(), worker->held.end(),
        [&](const PretendWorker::Offer& held) { return held.sequence == event.sequence; });
    if (offer == worker->held.end()) {
        worker->misbehaved = true;
        must_be_killed_ = worker->id;
        return;
    }
    must_leave_ = {worker->id, event.sequence};
    settle(job_of(offer->job), event);
    pool_of(worker->pool).pace.ran(job_of(offer->job).handler, event.ran);
    pool_of(worker->pool).crashes.clear();
    pool_of(worker->pool).plain_crashes.clear();
    const core::PoolTerms& terms = pool_of(worker->pool).terms;
    ++worker->jobs_done;
    worker->let_wait = {};
    worker->looks_dead = false;
    worker->worn = worker->worn || worker->jobs_done >= terms.recycle_jobs ||
                   over(worker->ready_at, terms.recycle_age);
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
    const auto offer = std::find_if(
        worker->held.begin(), worker->held.end(),
        [&](const PretendWorker::Offer& held) { return held.sequence == event.sequence; });
    if (offer == worker->held.end() || !offer->asked_back) {
        return;  // its own end has overtaken the answer
    }
    offer->asked_back = false;
    PretendJob& job = job_of(offer->job);
    if (event.won) {
        if (offer == worker->held.begin()) {
            worker->let_wait += now_ - job.front_since;
        }
        worker->stuck =
            worker->stuck || worker->let_wait >= physics_.patience.claim || worker->looks_dead;
        if (worker->stuck && worker->open()) {
            must_be_killed_ = worker->id;
        }
        release(job);
        enqueue(job, false);
        if (job.unwanted() || job.waived || stop_asked_ || job.expires <= now_) {
            must_end_.push_back(job.id);
        }
        return;
    }
    worker->begun_told = std::max(worker->begun_told, event.sequence);
    job.known_begun = true;
    if (job.waived && !unwanted(job)) {
        must_let_be_ = job.id;
    }
    job.waived = false;
    worker->let_wait = {};
    worker->looks_dead = false;
    PretendBatch* batch = batch_of(job);
    job.halt_asked = job.halt_asked && batch->rule.now;
    if (worker->over()) {
        must_leave_ = {worker->id, event.sequence};
    } else if (event.sequence < worker->finished_told) {
        worker->misbehaved = true;
        must_be_killed_ = worker->id;
    } else if (offer != worker->held.begin()) {
        must_be_heard_ = worker->id;
    }
}

// ---- the daemon ---------------------------------------------------------------------------------

void FakeWorld::foresee(const core::TimerFired& /*event*/)
{
    grace_over_ = grace_over_ || (grace_until_ && *grace_until_ <= now_);
    join_queues();
}

/// Those whose wait is over join their queues, and those whose time is over leave them, in the
/// order of their times.
void FakeWorld::join_queues()
{
    std::vector<std::pair<TimePoint, JobId>> due;
    for (const JobId id : alive_) {
        const PretendJob& job = job_of(id);
        if (!job.unassigned()) {
            continue;
        }
        if (job.place == Place::waiting && job.due <= now_ && job.due < job.expires) {
            due.emplace_back(job.due, id);
        }
        if (job.expires <= now_) {
            due.emplace_back(job.expires, id);
            must_end_.push_back(id);
        }
    }
    std::sort(due.begin(), due.end());
    TimePoint last{};
    for (const auto& [when, id] : due) {
        PretendJob& job = job_of(id);
        if (when == job.expires) {
            leave_queue(job);
        } else {
            unqueue(job);
            enqueue(job, true, when == last);
            last = when;
        }
    }
}

/// It is about to end, and in nobody's way.
void FakeWorld::leave_queue(PretendJob& job)
{
    if (job.place == Place::queued) {
        unqueue(job);
        job.place = Place::waiting;
        ++pool_of(job.pool).waiting;
    }
}

void FakeWorld::foresee(const core::StopRequested& event)
{
    stop_asked_ = true;
    grace_until_ = core::after(now_, event.grace);
    grace_over_ = grace_over_ || event.grace <= Duration::zero();
    for (const JobId id : alive_) {
        if (job_of(id).unassigned()) {
            must_end_.push_back(id);
        }
    }
}

void FakeWorld::foresee(const core::StopNow& /*event*/)
{
    foresee(core::StopRequested{});
    kill_asked_ = true;
}

}  // namespace jobmill::sim
