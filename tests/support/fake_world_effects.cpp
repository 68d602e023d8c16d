// SPDX-License-Identifier: MIT
// What the core asks for is done, and must be possible and needed.
#include <algorithm>

#include "tests/support/fake_world.hpp"

namespace jobmill::sim {

using Life = PretendWorker::Life;
using Mark = PretendWorker::Mark;
using Place = PretendJob::Place;
using Template = PretendPool::Template;

// ---- templates and pools ------------------------------------------------------------------------

void FakeWorld::carry_out(const core::StartTemplate& effect)
{
    PretendPool& pool = pool_of(effect.pool);
    demand(!stop_asked_ && pool.state == Template::absent && !pool.gone &&
               !(pool.retired && pool.unassigned() == 0),
           "a template was started that nobody needs");
    demand(pool.unready_losses < 2 || over(pool.absent_since, physics_.patience.first_backoff),
           "a template that fails was started without a pause");
    pool.state = Template::loading;
    pool.loading_since = now_;
}

void FakeWorld::carry_out(const core::DismissTemplate& effect)
{
    PretendPool& pool = pool_of(effect.pool);
    demand(may_dissolve(pool) && pool.state != Template::absent && !pool.dismissed_at &&
               !pool.killed && muster(effect.pool).staying == 0,
           "a template was dismissed that is needed");
    pool.dismissed_at = now_;
    pool.told_ready = false;
}

void FakeWorld::carry_out(const core::KillTemplate& effect)
{
    PretendPool& pool = pool_of(effect.pool);
    const bool late =
        pool.state == Template::loading && over(pool.loading_since, physics_.patience.load);
    demand(pool.state != Template::absent && !pool.killed &&
               (pool.silent_told || late || over(pool.dismissed_at, physics_.patience.dismiss)),
           "a template was killed for no reason");
    pool.killed = true;
    pool.told_ready = false;
}

void FakeWorld::carry_out(const core::PoolGone& effect)
{
    PretendPool& pool = pool_of(effect.pool);
    const bool left = std::any_of(workers_.begin(), workers_.end(), [&](const auto& worker) {
        return worker->pool == effect.pool && !worker->over();
    });
    demand(pool.retired && !pool.gone && pool.unfinished() == 0 && !left &&
               pool.state == Template::absent,
           "a pool is gone of which something is left");
    pool.gone = true;
    pool.told_ready = false;
    for (PretendSlot& slot : slots_) {
        if (slot.pool == effect.pool) {
            slot.pool.reset();
        }
    }
}

void FakeWorld::carry_out(const core::PoolJudged& effect)
{
    PretendPool& pool = pool_of(effect.pool);
    demand(pool.degraded != effect.degraded, "a pool was judged twice");
    const bool well = must_leave_.has_value();
    const bool storm = pool.crashes.size() > pool.most_crashes();
    demand(effect.degraded ? storm : well, "a pool was judged for no reason");
    pool.degraded = effect.degraded;
    pool.degraded_at = now_;
    pool.probes = 0;
    pool.crashes.clear();
    pool.plain_crashes.clear();
}

// ---- workers ------------------------------------------------------------------------------------

void FakeWorld::carry_out(const core::ForkWorker& effect)
{
    PretendSlot& slot = slot_of(effect.worker.slot);
    const PretendWorker* last = find({effect.worker.slot, slot.generation});
    demand(!stop_asked_ && pool_of(effect.pool).told_ready &&
               slot.pool.value_or(effect.pool) == effect.pool,
           "a worker was asked of a template that cannot fork it");
    demand(effect.worker.generation == slot.generation + 1 &&
               (last == nullptr || (last->exit_told && last->held.empty())),
           "a slot was filled that is not empty");
    check_backoff(slot, last);
    slot.pool = effect.pool;
    slot.generation = effect.worker.generation;
    PretendWorker& worker = *workers_.emplace_back(std::make_unique<PretendWorker>());
    worker.id = effect.worker;
    worker.pool = effect.pool;
    slot.worker = &worker;
}

void FakeWorld::carry_out(const core::OfferJob& effect)
{
    PretendWorker& worker = existing(effect.worker, "a job was offered to nobody");
    PretendPool& pool = pool_of(worker.pool);
    PretendJob& job = job_of(effect.job);
    check_offer(effect, worker, job);
    check_spread(worker, job);
    pool.offered_last = worker.id;
    PretendWorker::Claim& claim = worker.claim(effect.sequence);
    demand(!worker.holds(claim.sequence), "a claim word was overwritten that is in use");
    claim = {.sequence = effect.sequence, .mark = Mark::offered};
    worker.offers = number(effect.sequence);
    worker.spoilt = worker.spoilt || job.terms.spoils_worker;
    pool.probes += pool.degraded ? 1U : 0U;
    pool.queue.serve(job, now_);
    hold(job, worker, effect.sequence);
    if (worker.life == Life::running) {
        worker.inbox.push_back(worker.held.back());
    }
}

void FakeWorld::carry_out(const core::RevokeClaim& effect)
{
    PretendWorker& worker = existing(effect.worker, "a claim of nobody was revoked");
    PretendWorker::Claim& claim = worker.claim(effect.sequence);
    const auto offer = std::find_if(
        worker.held.begin(), worker.held.end(),
        [&](const PretendWorker::Offer& held) { return held.sequence == effect.sequence; });
    demand(offer != worker.held.end(), "a claim was revoked that the worker does not hold");
    demand(!offer->asked_back, "a claim was revoked twice");
    offer->asked_back = true;
    const bool won = claim.sequence == effect.sequence && claim.mark == Mark::offered;
    if (won) {
        claim.mark = Mark::revoked;
    }
    answers_.push_back({.worker = effect.worker, .sequence = effect.sequence, .won = won});
}

void FakeWorld::carry_out(const core::RaiseCancelFlag& effect)
{
    PretendWorker& worker = existing(effect.worker, "nobody was flagged");
    const PretendWorker::Offer* offer = worker.find(effect.sequence);
    demand(!worker.over() && !worker.leaving() && offer != nullptr,
           "a worker was flagged for a job that it does not hold");
    demand(worker.claimed(effect.sequence), "a worker was flagged for a job that it has not begun");
    demand(effect.sequence >= worker.begun_told,
           "a worker was flagged for a job that it has finished");
    check_flag(worker, job_of(offer->job));
    worker.flagged = effect.sequence;
    worker.flagged_at = now_;
    worker.deaf_at.reset();
    worker.notes_stack = worker.stack_taken;
    worker.stack_taken = false;
}

/// Its words come when they come: nothing depends on their being early.
void FakeWorld::carry_out(const core::CollectWords& effect)
{
    PretendWorker& worker = existing(effect.worker, "the words of nobody were asked for");
    demand(worker.held.size() > 1, "words were collected though nothing waits for them");
    worker.listened = worker.held.front().sequence;
    worker.listened_at = now_;
}

void FakeWorld::carry_out(const core::HearOut& effect)
{
    demand(must_be_heard_ == effect.worker,
           "a worker was heard out that is not known to have said more");
    must_be_heard_.reset();
}

void FakeWorld::carry_out(const core::TakeStack& effect)
{
    PretendWorker& worker = existing(effect.worker, "a stack of nobody was taken");
    demand(!worker.over() && !worker.held.empty(),
           "a stack of a worker was taken that runs nothing");
    worker.stack_taken = true;
}

void FakeWorld::carry_out(const core::DismissWorker& effect)
{
    PretendWorker& worker = existing(effect.worker, "nobody was dismissed");
    const PretendPool& pool = pool_of(worker.pool);
    const bool idle_for_long = over(worker.idle_since, pool.terms.idle_timeout) &&
                               muster(worker.pool).staying > pool.kept();
    demand(!worker.over() && !worker.dismissed_at && !worker.killed_at && worker.held.empty(),
           "a worker was dismissed that holds a job or that leaves already");
    demand(stop_asked_ || worker.terminated_at || may_dissolve(pool) || worn(worker) ||
               idle_for_long || pool.before.surplus > 0 ||
               muster(worker.pool).present > pool.allowed(),
           "a worker was dismissed for no reason");
    worker.dismissed_at = now_;
}

void FakeWorld::carry_out(const core::TerminateWorker& effect)
{
    PretendWorker& worker = existing(effect.worker, "nobody was terminated");
    const bool deaf = worker.deaf_told == worker.flagged && over(worker.deaf_at, deafness(worker));
    const bool overdue = worker.flagged_at && worker.stopping_a_job() &&
                         (over(worker.flagged_at, physics_.patience.cancel) || deaf);
    demand(!worker.over() && !worker.leaving() && (overdue || grace_over_),
           "a worker was terminated for no reason");
    worker.terminated_at = now_;
}

void FakeWorld::carry_out(const core::KillWorker& effect)
{
    PretendWorker& worker = existing(effect.worker, "nobody was killed");
    check_kill(worker);
    worker.killed_at = now_;
}

void FakeWorld::carry_out(const core::CondemnWorker& effect)
{
    PretendWorker& worker = existing(effect.worker, "nobody was condemned");
    demand(!worker.over() && over(worker.killed_at, physics_.patience.reap),
           "a worker was condemned that may still die");
    worker.condemned = true;
    ++pool_of(worker.pool).condemned;
}

// ---- jobs ---------------------------------------------------------------------------------------

void FakeWorld::carry_out(const core::JobEnded& effect)
{
    PretendJob& job = job_of(effect.job);
    check_verdict(job, {.state = effect.state,
                        .by = effect.by,
                        .was = effect.was,
                        .worker = effect.worker,
                        .offered = effect.offered,
                        .attempt = effect.attempt,
                        .poison = effect.poison});
    if (job.unassigned()) {
        unqueue(job);
    } else {
        release(job);
    }
    end(job, effect.state);
}

void FakeWorld::carry_out(const core::JobRetried& effect)
{
    PretendJob& job = job_of(effect.job);
    check_verdict(job, {.state = effect.state,
                        .by = effect.by,
                        .worker = effect.worker,
                        .offered = effect.offered,
                        .attempt = effect.attempt,
                        .retried = true});
    Duration longest = std::min(job.terms.backoff, job.terms.longest_backoff);
    for (std::uint32_t i = 1; i < job.attempt && longest < job.terms.longest_backoff; ++i) {
        longest = std::min(longest * 2, job.terms.longest_backoff);
    }
    demand(effect.delay <= longest && effect.delay >= longest / 2,
           "an attempt comes too soon or too late");
    demand(!job.waived, "nobody was told that a job runs that was to be cancelled unless it does");
    PretendPool& pool = pool_of(job.pool);
    ++pool.retried;
    release(job);
    job.crashes += effect.state == JobState::crashed ? 1U : 0U;
    ++job.attempt;
    job.place = Place::waiting;
    job.due = core::after(now_, effect.delay);
    job.expires = core::never;
    ++pool.waiting;
}

void FakeWorld::carry_out(const core::JobHandedOver& effect)
{
    PretendJob& job = job_of(effect.job);
    demand(job.unassigned(), "a job was handed over that its worker holds");
    const PretendPool& old = pool_of(job.pool);
    const auto heir = old.heirs.find(job.handler);
    demand(heir != old.heirs.end() && heir->second == std::pair{effect.to, effect.handler} &&
               !pool_of(effect.to).retired,
           "a job was handed over to a pool that does not follow its own");
    const bool waits = job.place == Place::waiting;
    unqueue(job);
    job.pool = effect.to;
    job.handler = effect.handler;
    if (waits) {
        ++pool_of(job.pool).waiting;
    } else {
        enqueue(job, true);
    }
}

/// It is known to run, by the answer for its claim or by its worker's word.
void FakeWorld::carry_out(const core::JobLetBe& effect)
{
    PretendJob& job = job_of(effect.job);
    const bool finished = job.waived && must_leave_ == std::pair{job.worker, job.sequence};
    demand(must_let_be_ == job.id || finished,
           "a job was let be that does not run, or that nobody asked about");
    must_let_be_.reset();
    job.waived = false;
}

/// What has not begun ends with it or soon after, and what has begun where the rule says so.
void FakeWorld::carry_out(const core::BatchHalted& effect)
{
    PretendBatch& batch = batches_.at(number(effect.batch) - 1);
    demand(batch.halting && !batch.counts.halted, "a batch gave up for no reason, or twice");
    batch.halting = false;
    batch.counts.halted = true;
    for (const JobId id : alive_) {
        PretendJob& job = job_of(id);
        if (job.batch != effect.batch) {
            continue;
        }
        if (job.unassigned()) {
            doomed_.push_back(id);
        }
        const PretendWorker* worker = job.unassigned() ? nullptr : find(job.worker);
        job.halt_asked = worker == nullptr || batch.rule.now || worker->begun_told < job.sequence;
    }
}

// ---- the daemon ---------------------------------------------------------------------------------

void FakeWorld::carry_out(const core::ArmTimer& effect)
{
    armed_ = effect.at;
}

void FakeWorld::carry_out(const core::Stopped& /*effect*/)
{
    const bool empty = std::all_of(workers_.begin(), workers_.end(), [](const auto& worker) {
        return worker->over() && worker->held.empty();
    });
    demand(!stopped_ && stop_asked_ && alive_.empty() && empty,
           "stopped twice, unasked, or with something left");
    stopped_ = true;
}

}  // namespace jobmill::sim
