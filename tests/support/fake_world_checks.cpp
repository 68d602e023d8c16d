// SPDX-License-Identifier: MIT
// What the dispatcher promises, as FakeWorld compares it.
#include <algorithm>

#include "daemon/core/job_book.hpp"
#include "tests/support/fake_world.hpp"

namespace jobmill::sim {

using Place = PretendJob::Place;
using Template = PretendPool::Template;

// ---- with each effect ---------------------------------------------------------------------------

bool FakeWorld::may_run(const PretendPool& pool, const Likeness& like) const
{
    const PretendLabel& rule = labels_.at(number(like.label));
    return (number(like.label) == 0 || rule.running - rule.lending < rule.max_running) &&
           !(like.attached && behind_.contains(like.session)) &&
           !suspended_users_.contains(like.user) && !crowds(pool, like.user) &&
           pool.working() < pool.terms.max_running && working_ < cap_;
}

/// So many of the user's jobs wait for their readers there that little room is left.
bool FakeWorld::crowds(const PretendPool& pool, UserId user) const
{
    return pool.lending >= core::JobBook::many_lent &&
           std::count_if(paused_.begin(), paused_.end(), [&](JobId id) {
               return job(id).pool == pool.id && job(id).user == user;
           }) >= core::JobBook::many_paused;
}

bool FakeWorld::has_turn(const PretendPool& pool) const
{
    return !stop_asked_ && !memory_low_ && !pool.degraded && !pool.suspended &&
           pool.queue.any([&](const Likeness& like) { return may_run(pool, like); });
}

void FakeWorld::check_offer(const core::OfferJob& effect, const PretendWorker& worker,
                            const PretendJob& job)
{
    const PretendPool& pool = pool_of(worker.pool);
    demand(worker.open() && !worker.condemned && !worker.stopping_a_job() && !worker.spoilt &&
               !stop_asked_,
           "a job was offered to a worker that takes none");
    demand(!memory_low_, "a job was offered while memory is low");
    demand(!pool.suspended, "a job was offered in a pool that is suspended");
    demand(worker.lending == 0, "a job was offered to a worker whose job waits for others");
    demand(!pool.degraded || over(pool.degraded_at, (pool.probes + 1) * physics_.patience.probe),
           "a degraded pool was given more than a probe");
    demand(job.place == Place::queued && job.pool == worker.pool,
           "a job was offered that is not in the queue");
    const char* objection =
        pool.queue.objection(job, now_, [&](const Likeness& like) { return may_run(pool, like); });
    demand(objection == nullptr, objection);
    demand(std::find(doomed_.begin(), doomed_.end(), job.id) == doomed_.end(),
           "a job was offered whose batch has given up");
    check_company(worker, job);
    demand(effect.attempt == job.attempt, "an attempt was offered that is not the next");
    demand(worker.held.size() < pool.depth, "a worker was offered more than it may hold");
    demand(number(effect.sequence) == worker.offers + 1, "a sequence is not the next");
}

void FakeWorld::check_flag(const PretendWorker& worker, const PretendJob& job)
{
    demand(job.unwanted() || grace_over_ || number(worker.hung_told) != 0 ||
               over(job.front_since, job.terms.run_timeout),
           "a worker was flagged for a job that may run");
}

void FakeWorld::check_kill(const PretendWorker& worker)
{
    const bool silent =
        worker.forked_told && !worker.hello_told && over(worker.forked_at, physics_.patience.start);
    const bool deaf = over(worker.terminated_at, physics_.patience.terminate) ||
                      over(worker.dismissed_at, physics_.patience.dismiss);
    demand(worker.known() && !worker.over() && !worker.killed_at,
           "nobody to kill, or killed twice");
    demand(worker.misbehaved || worker.stuck || silent || deaf || kill_asked_,
           "a worker was killed for no reason");
}

/// `last` is the slot's last process while it is not forgotten.
void FakeWorld::check_backoff(const PretendSlot& slot, const PretendWorker* last)
{
    const bool at_once = slot.generation == 0 || !slot.pool ||
                         (last != nullptr ? last->hello_told : slot.last_was_ready);
    demand(at_once || (last == nullptr && over(slot.empty_since, physics_.patience.first_backoff)),
           "a slot that fails was refilled without a pause");
}

bool FakeWorld::worn(const PretendWorker& worker) const
{
    return worker.worn || worker.spoilt;
}

void FakeWorld::check_spread(const PretendWorker& chosen, const PretendJob& job)
{
    if (pool_of(chosen.pool).counts.surplus > 0) {
        return;
    }
    // Who was given the one before does it before an idle one would be awake.
    const bool soon_done =
        by_pace() && !chosen.held.empty() && chosen.id == pool_of(chosen.pool).offered_last &&
        !over(this->job(chosen.held.front().job).front_since, physics_.patience.late) &&
        expected(chosen) + expected_run(job) <= physics_.patience.wake;
    for (const auto& other : workers_) {
        // By their pace few jobs may be more work than many; whoever has none has less.
        const bool has_work = by_pace() && !other->held.empty();
        // Whose job ceases to lend in the midst of this event is open again after it.
        demand(other->pool != chosen.pool || other->held.size() >= chosen.held.size() ||
                   !could_take(*other) || has_work || soon_done || other->lent_in == events_,
               "a worker was offered a job while another held fewer");
    }
}

// ---- after each event ---------------------------------------------------------------------------

void FakeWorld::review()
{
    for (const JobId id : must_end_) {
        demand(job(id).place == Place::ended, "a job goes on that had to end in this event");
    }
    std::erase_if(doomed_, [this](JobId id) { return job(id).place == Place::ended; });
    demand(doomed_.empty() || (armed_ && *armed_ <= now_), "what a batch gave up goes on for ever");
    ends_go_on_ = ends_go_on_ || !doomed_.empty();
    for (const PretendPool& pool : pools_) {
        check_shares(pool);
    }
    if (must_leave_) {
        const PretendWorker* worker = find(must_leave_->first);
        demand(worker == nullptr || !worker->holds(must_leave_->second),
               "a job is held on that its worker has finished or died of");
        demand(!std::holds_alternative<core::JobFinished>(*happening_) || worker == nullptr ||
                   !pool_of(worker->pool).degraded,
               "a pool stays degraded though a job came to its end");
    }
    demand(!must_let_be_,
           "nobody was told that a job runs that was to be cancelled unless it does");
    demand(!must_be_killed_ || existing(*must_be_killed_, "nobody misbehaved").killed_at,
           "a worker that misbehaved lives on");
    demand(!must_be_heard_, "results may wait until the end of a job that began after them");
    demand(!must_judge_ || pool_of(*must_judge_).degraded || stop_asked_,
           "a storm goes on and nobody noticed");
    for (const PretendPool& pool : pools_) {
        const bool grows = pool.counts.surplus > pool.before.surplus;
        demand(!grows || may_dissolve(pool) || pool.allowed() < pool.allowed_before ||
                   std::holds_alternative<core::WorkerReady>(*happening_) ||
                   std::holds_alternative<core::PoolAdjusted>(*happening_),
               "a pool got a worker that it has too many");
    }
    for (const PretendBatch& batch : batches_) {
        demand(!batch.halting, "a batch goes on whose rule has come true");
    }
    check_heirs();
}

/// A job does not come back to a pool in whose place there is another.
void FakeWorld::check_heirs()
{
    for (const PretendPool& pool : pools_) {
        if (pool.heirs.empty() || pool.unassigned() == 0) {
            continue;
        }
        for (const JobId id : alive_) {
            demand(job(id).pool != pool.id || !job(id).unassigned() ||
                       !pool.heirs.contains(job(id).handler),
                   "a job waits in a pool whose place another has taken");
        }
    }
}

void FakeWorld::check()
{
    demand(dispatcher_.unfinished_jobs() == alive_.size(), "a job was lost, or is kept too long");
    demand(dispatcher_.memory_low() == memory_low_, "the memory was misjudged");
    check_workers();
    muster_all();
    for (const PretendPool& pool : pools_) {
        if (!pool.gone) {
            check_counts(pool);
            check_slots(pool);
            check_numbers(pool);
            check_template(pool);
        }
    }
}

void FakeWorld::check_counts(const PretendPool& pool)
{
    const core::PoolCounts& counts = pool.counts;
    const auto ended = [&](JobState state) {
        return pool.ended.at(static_cast<std::size_t>(state));
    };
    demand(counts.waiting == pool.waiting && counts.queued == pool.queue.size() &&
               counts.running == pool.held,
           "a pool has other jobs than it should");
    demand(counts.failed == ended(JobState::failed) && counts.crashed == ended(JobState::crashed) &&
               counts.timed_out == ended(JobState::timed_out) &&
               counts.expired == ended(JobState::expired) &&
               counts.cancelled == ended(JobState::cancelled) && counts.retried == pool.retried,
           "a pool counted another end than its jobs had");
    demand(counts.degraded == pool.degraded, "a pool is degraded and did not say so");
    demand(counts.condemned == pool.condemned, "a pool forgets its condemned");
    demand(counts.lent <= std::min<std::uint64_t>(pool.terms.max_lent, pool.lending),
           "a pool lends more than it may");
}

void FakeWorld::check_all()
{
    check();
    check_batches();
    for (const JobId id : alive_) {
        const PretendJob& job = this->job(id);
        const bool held = job.place == Place::held;
        demand(dispatcher_.state_of(id) == (held                          ? JobState::running
                                            : job.place == Place::waiting ? JobState::waiting
                                                                          : JobState::queued),
               "a job is not where it should be");
        demand(dispatcher_.worker_of(id) == (held ? std::optional{job.worker} : std::nullopt),
               "a job is with another worker than it should be");
        demand(!held || dispatcher_.job_of(job.worker, job.sequence) == id,
               "a worker does not hold what it was offered");
        demand(dispatcher_.attempt_of(id) == job.attempt, "a job is at another attempt");
    }
    for (std::size_t i = 1; i < labels_.size(); ++i) {
        demand(dispatcher_.running(LabelId{static_cast<std::uint32_t>(i)}) == labels_[i].running,
               "another number of jobs of a label runs");
    }
    for (const PretendPool& pool : pools_) {
        demand(!physics_.only_fairness || pool.served.fair(4 + 4 * pool.workers * pool.depth),
               "somebody had more than his share");
    }
}

void FakeWorld::check_batches()
{
    std::vector<core::BatchCounts> unfinished(batches_.size() + 1);
    for (const JobId id : alive_) {
        const PretendJob& job = this->job(id);
        core::BatchCounts& of_batch = unfinished.at(number(job.batch));
        ++(job.place == Place::held      ? of_batch.running
           : job.place == Place::waiting ? of_batch.waiting
                                         : of_batch.queued);
    }
    for (std::size_t i = 0; i < batches_.size(); ++i) {
        const PretendBatch& batch = batches_[i];
        if (batch.closed && batch.unfinished == 0) {
            continue;
        }
        const core::BatchCounts counts =
            dispatcher_.counts(BatchId{static_cast<std::uint32_t>(i + 1)});
        demand(counts.submitted == batch.counts.submitted &&
                   counts.succeeded == batch.counts.succeeded &&
                   counts.failed == batch.counts.failed &&
                   counts.cancelled == batch.counts.cancelled &&
                   counts.halted == batch.counts.halted &&
                   counts.waiting == unfinished[i + 1].waiting &&
                   counts.queued == unfinished[i + 1].queued &&
                   counts.running == unfinished[i + 1].running &&
                   counts.waiting + counts.queued + counts.running == batch.unfinished,
               "a batch counts otherwise");
    }
}

void FakeWorld::check_workers()
{
    const bool in_time = !armed_ || *armed_ > now_;
    for (const auto& worker : workers_) {
        demand(worker->held.size() <= pool_of(worker->pool).depth,
               "a worker holds more than it may");
        demand(worker->crashes_charged <= 1 || worker->hostile || worker->condemned,
               "a death was charged to more than one job");
        demand(worker->lending == 0 || called_back(*worker),
               "a job stands behind one that waits for others");
        if (in_time) {
            check_patience(*worker);
            check_clocks(*worker);
        }
    }
    const auto busy = std::count_if(workers_.begin(), workers_.end(),
                                    [](const auto& worker) { return !worker->held.empty(); });
    demand(dispatcher_.busy_workers() == static_cast<std::uint32_t>(busy),
           "another number of workers is busy");
}

/// Whether it is known to have begun all that it holds, or was asked for it back.
bool FakeWorld::called_back(const PretendWorker& worker)
{
    return std::all_of(worker.held.begin(), worker.held.end(),
                       [&](const PretendWorker::Offer& offer) {
                           return offer.asked_back || offer.sequence <= worker.begun_told;
                       });
}

/// Whoever had to be stopped by now was.
void FakeWorld::check_patience(const PretendWorker& worker)
{
    if (worker.over()) {
        return;
    }
    const core::Patience& patience = physics_.patience;
    if (worker.killed_at) {
        demand(!over(worker.killed_at, patience.reap), "a worker that does not die is waited for");
        return;
    }
    demand(!over(worker.dismissed_at, patience.dismiss), "a dismissed worker stays for ever");
    demand(worker.dismissed_at || !over(worker.terminated_at, patience.terminate),
           "a terminated worker stays for ever");
    // A liar may have ended the job that it still runs.
    const bool runs = worker.hello_told && worker.holds(worker.current);
    const bool deaf = worker.deaf_told == worker.flagged && over(worker.deaf_at, deafness(worker));
    demand(worker.leaving() || !runs || worker.current != worker.flagged ||
               !(over(worker.flagged_at, patience.cancel) || deaf),
           "a cancelled job runs for ever");
    demand(worker.leaving() || !worker.forked_told || worker.hello_told ||
               !over(worker.forked_at, patience.start),
           "a worker may take for ever to say hello");
    demand(!grace_over_ || !runs || worker.leaving(), "a job runs on though its grace is over");
}

/// The first that a worker holds is stopped when its time is over, and taken back when its worker
/// does not begin it.
void FakeWorld::check_clocks(const PretendWorker& worker)
{
    if (worker.held.empty() || worker.over() || worker.leaving()) {
        return;
    }
    const PretendWorker::Offer& offer = worker.held.front();
    const PretendJob& job = this->job(offer.job);
    const bool known = worker.begun_told >= offer.sequence;
    demand(offer.asked_back || worker.flagged == offer.sequence ||
               worker.begun_told > offer.sequence || !over(job.front_since, job.terms.run_timeout),
           "a job runs on though its time is over");
    demand(known || offer.asked_back || !over(job.front_since, physics_.patience.claim),
           "a worker may take for ever to begin a job");
    const bool listened = worker.listened == offer.sequence;
    // Something stands behind those only that should take less than workers are given ahead.
    const core::Patience& p = physics_.patience;
    const Duration longest = std::max({p.ahead, p.most_ahead, p.most_ahead_of_one});
    demand(!by_pace() ||
               !over(listened ? worker.listened_at : job.front_since,
                     p.overrun + (listened ? Duration{} : longest)) ||
               std::all_of(worker.held.begin() + 1, worker.held.end(),
                           [&](const PretendWorker::Offer& each) {
                               return each.asked_back || worker.begun_told >= each.sequence;
                           }),
           "jobs stand behind one that takes long");
}

void FakeWorld::check_slots(const PretendPool& pool)
{
    const std::uint32_t lost = pool.condemned > pool.workers ? pool.condemned - pool.workers : 0U;
    demand(stop_asked_ || !pool.told_ready || may_dissolve(pool) ||
               pool.muster.present + pool.muster.resting + lost >= pool.kept(),
           "a slot is empty that should have been filled by now");
}

/// Nobody is too many but who has to finish a job first, or cannot be told to leave yet.
void FakeWorld::check_numbers(const PretendPool& pool)
{
    const Muster& muster = pool.muster;
    demand(muster.staying <= pool.allowed() + pool.counts.surplus + muster.worn ||
               may_dissolve(pool) || stop_asked_,
           "a pool has more workers than it should");
    if (pool.queue.size() == 0 || !has_turn(pool) || words_follow_ || pool.submits_follow) {
        return;
    }
    if (!doomed_.empty() || ends_go_on_) {
        return;  // whoever waits has his turn after those, be the last of them cancelled meanwhile
    }
    demand(!muster.idle, "a worker is idle while a job waits");
    demand(!muster.free || pool.counts.surplus > 0 || by_pace(),
           "a job waits beside a free worker");
    demand(muster.free || muster.coming > 0 || !pool.told_ready || may_dissolve(pool) ||
               muster.present + muster.resting >= pool.allowed(),
           "a job waits, and nobody is fetched for it");
}

void FakeWorld::check_template(const PretendPool& pool)
{
    const bool does_without = pool.retired && pool.unassigned() == 0;
    demand(pool.state != Template::absent || stop_asked_ || does_without ||
               (armed_ && *armed_ <= now_) ||
               !over(pool.absent_since, physics_.patience.longest_backoff),
           "a template stays away for ever");
}

Muster FakeWorld::muster(PoolId pool) const
{
    Muster muster;
    for (const auto& worker : workers_) {
        if (worker->pool == pool) {
            muster.present += worker->takes_place() ? 1U : 0U;
            muster.staying += worker->over() || worker->leaving() ? 0U : 1U;
        }
    }
    return muster;
}

void FakeWorld::muster_all()
{
    for (PretendPool& pool : pools_) {
        pool.muster = {};
    }
    for (const auto& worker : workers_) {
        Muster& muster = pool_of(worker->pool).muster;
        const bool stays = !worker->over() && !worker->leaving();
        const bool free = could_take(*worker);
        muster.present += worker->takes_place() ? 1U : 0U;
        muster.staying += stays ? 1U : 0U;
        muster.coming += stays && !worker->hello_told ? 1U : 0U;
        muster.worn += stays && worn(*worker) ? 1U : 0U;
        muster.free = muster.free || free;
        muster.idle = muster.idle || (free && worker->held.empty());
    }
    const bool late = armed_ && *armed_ <= now_;
    for (const PretendSlot& slot : slots_) {
        if (slot.pool && slot.worker == nullptr && (late || now_ < slot.rests_until)) {
            ++pool_of(*slot.pool).muster.resting;
        }
    }
}

}  // namespace jobmill::sim
