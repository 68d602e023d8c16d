// SPDX-License-Identifier: MIT
#include "daemon/core/job_book.hpp"

#include <algorithm>
#include <memory>

#include "common/assert.hpp"
#include "daemon/core/planted_bug.hpp"

namespace jobmill::core {

namespace {

/// There is more than one reason to cancel a job, or to say that its time is over.
EndedBy reason(const Job& job, EndedBy by)
{
    return by == EndedBy::cancel || by == EndedBy::timeout ? job.why : by;
}

}  // namespace

void JobBook::add_pool(PoolId pool)
{
    backlogs_.resize(std::max(backlogs_.size(), std::size_t{number(pool)} + 1));
}

JobHandle JobBook::admit(const JobSubmitted& submitted, TimePoint now)
{
    JOBMILL_ASSERT(number(submitted.pool) < backlogs_.size());
    Job job;
    job.id = submitted.job;
    job.pool = submitted.pool;
    job.handler = submitted.handler;
    job.attached = !submitted.detached;
    job.bulk = static_cast<std::uint8_t>(
        std::min<std::uint32_t>(submitted.offer_size / bulk_unit, UINT8_MAX));
    job.terms = terms_.take(submitted.terms);
    job.due = after(now, submitted.terms.delay);
    job.expires = after(now, submitted.terms.queue_timeout);
    const JobHandle handle = jobs_.add(job);
    const JobHandle parent = find(submitted.parent);
    if (parent != no_job && !unassigned(jobs_[parent].stage)) {
        jobs_.own_extras(handle).parent = submitted.parent;
        ++jobs_.own_extras(parent).children;
    }
    if (job.attached) {
        sessions_[submitted.session].push_back(jobs_, handle);
    }
    batches_.add(jobs_, handle, submitted.batch);
    Backlog& backlog = backlog_of(job);
    ++backlog.unfinished;
    backlog.queue.enter(jobs_[handle], {.session = submitted.session,
                                        .user = submitted.user,
                                        .label = submitted.label,
                                        .priority = submitted.terms.priority,
                                        .attached = job.attached});
    if (job.due > now) {
        set_stage(handle, JobStage::waiting);
        backlog.waiting.push_back(jobs_, handle);
    } else {
        enter_queue(handle, true, now);
    }
    set_alarm(handle, now);
    return handle;
}

JobHandle JobBook::next_of(PoolId pool)
{
    Backlog& backlog = backlogs_[number(pool)];
    return backlog.queue.first(
        [&](const JobQueue::LaneKey& lane) { return hindrance_of(backlog, lane); });
}

void JobBook::offer(JobHandle handle, WorkerSlot& slot, Turn& turn)
{
    const auto row = row_of(jobs_[handle].stage, JobWord::offer);
    JOBMILL_ASSERT(row.has_value());
    Job& job = jobs_[handle];
    Backlog& backlog = backlog_of(job);
    const Sequence sequence = slot.next_sequence;
    const Duration charged =
        backlog.queue.serve(jobs_, handle, labels_.weight(whose(job).label), turn.now);
    set_stage(handle, row->to);
    job.waited = false;
    const Duration expected = expected_run(job);
    job.holding = HoldingHandle{holdings_.take(Holding{.worker = slot.worker,
                                                       .sequence = sequence,
                                                       .offered = turn.now,
                                                       .charged = charged,
                                                       .expected = expected})};
    slot.work_ahead += expected;
    slot.bulk += job.bulk;
    ++backlog.running;
    ++working_;
    labels_.begun(whose(job).label);
    slot.next_sequence = Sequence{number(sequence) + 1};
    if (slot.held.empty()) {
        slot.oldest_held = sequence;
        ++busy_workers_;
    }
    slot.held.push_back(jobs_, handle);
    slot.held_at.resize(WorkerSlot::claim_words, no_job);
    slot.held_at[number(sequence) % WorkerSlot::claim_words] = handle;
    slot.spoilt = slot.spoilt || terms(handle).spoils_worker;
    slot.closed = terms(handle).alone;
    if (job.expires == never) {
        deadlines_.cancel(jobs_, handle);
    }
    watch_front(slot, turn.now);
    turn.ask(OfferJob{.worker = slot.worker,
                      .sequence = sequence,
                      .job = job.id,
                      .attempt = jobs_.extras(job).attempt});
}

/// One of which nothing is known may be a long one: nothing is to stand behind it.
Duration JobBook::expected_run(const Job& job)
{
    const Duration lately = backlog_of(job).pace.lately(job.handler);
    const bool unknown = lately == Duration{} && patience_.ahead != forever;
    return unknown ? std::max({patience_.ahead, patience_.most_ahead, patience_.most_ahead_of_one})
                   : lately;
}

bool JobBook::step(JobHandle handle, JobWord word, Turn& turn)
{
    Job& job = jobs_[handle];
    const auto row = row_of(job.stage, word);
    if (!row) {
        return false;
    }
    const Holder holder = word == JobWord::won ? Holder{} : holder_of(job);
    if (row->to == JobStage::queued || row->to == JobStage::ended) {
        leave_place(handle, turn.now);
    }
    if (row->to == JobStage::ended) {
        end(handle, *row, holder, turn);
        return true;
    }
    set_stage(handle, row->to);
    if (row->to == JobStage::queued) {
        if (JOBMILL_BUG(3) && row->from == JobStage::recalled) {
            ++jobs_.own_extras(handle).attempt;
        }
        const bool is_elsewhere = !JOBMILL_BUG(51) && hand_over(handle, turn);
        enter_queue(handle, is_elsewhere || row->from == JobStage::waiting, turn.now);
    }
    set_alarm(handle, turn.now);
    return true;
}

void JobBook::retry(JobHandle handle, const JobOutcome& outcome, Duration delay, Turn& turn)
{
    Job& job = jobs_[handle];
    JOBMILL_ASSERT(row_of(job.stage, JobWord::retry).has_value());
    const Holder holder = holder_of(job);
    turn.ask(JobRetried{.job = job.id,
                        .state = outcome.state,
                        .by = reason(job, outcome.by),
                        .worker = holder.worker,
                        .offered = holder.offered,
                        .attempt = jobs_.extras(job).attempt,
                        .delay = delay});
    leave_place(handle, turn.now);
    set_stage(handle, JobStage::waiting);
    if (!JOBMILL_BUG(7)) {
        ++jobs_.own_extras(handle).attempt;
    }
    std::construct_at(&job.due, after(turn.now, delay));  // where its turn was
    job.expires = never;                                  // that was for the first attempt to begin
    ++backlog_of(job).retried;
    if (!JOBMILL_BUG(52)) {
        hand_over(handle, turn);
    }
    backlog_of(job).waiting.push_back(jobs_, handle);
    set_alarm(handle, turn.now);
}

void JobBook::set_stage(JobHandle handle, JobStage stage)
{
    if (!JOBMILL_BUG(46) || stage != JobStage::waiting) {
        batches_.moves(jobs_, handle, stage);
    }
    jobs_[handle].stage = stage;
}

/// Out of the queue, or from its worker.
void JobBook::leave_place(JobHandle handle, TimePoint now)
{
    Job& job = jobs_[handle];
    Backlog& backlog = backlog_of(job);
    if (job.stage == JobStage::queued) {
        backlog.queue.remove(jobs_, handle);
    } else if (job.stage == JobStage::waiting) {
        backlog.waiting.remove(jobs_, handle);
    } else {
        if (held(job).charged > Duration::zero()) {
            // Nobody has said what it took.
            const TimePoint started = held(job).started;
            const bool began = begun(job.stage) && started != never;
            charge(handle, !began       ? Duration::zero()
                           : job.waited ? backlog.queue.expected()
                                        : now - started);
        }
        take_from_worker(handle);
    }
}

void JobBook::enter_queue(JobHandle handle, bool anew, TimePoint now)
{
    set_stage(handle, JobStage::queued);
    JobQueue& queue = backlog_of(jobs_[handle]).queue;
    if (anew || JOBMILL_BUG(11)) {
        queue.push(jobs_, handle, now);
    } else {
        queue.put_back(jobs_, handle, now);
    }
}

void JobBook::take_from_worker(JobHandle handle)
{
    Job& job = jobs_[handle];
    const Holding& holding = held(job);
    WorkerSlot& slot = (*slots_)[holding.worker.slot];
    slot.held.remove(jobs_, handle);
    slot.work_ahead -= holding.expected;
    slot.bulk -= job.bulk;
    slot.held_at[number(holding.sequence) % WorkerSlot::claim_words] = no_job;
    if (slot.held.empty()) {
        --busy_workers_;
    } else {
        slot.oldest_held = held(jobs_[slot.held.first()]).sequence;
    }
    mark_paused(job, false);
    stop_lending(job);
    --backlog_of(job).running;
    --working_;
    labels_.over(whose(job).label);
    holdings_.give_back(number(job.holding));
}

void JobBook::charge(JobHandle handle, Duration took)
{
    const Job& job = jobs_[handle];
    JobQueue& queue = backlog_of(job).queue;
    Duration& charged = held(job).charged;
    if (held(job).started == never) {
        queue.begin(job, charged);
    }
    if (took > Duration::zero()) {
        queue.settle(job, charged, labels_.weight(whose(job).label), took);
    } else {
        queue.refund(job, charged);
    }
    charged = {};
}

void JobBook::end(JobHandle handle, const JobRow& row, const Holder& holder, Turn& turn)
{
    Job& job = jobs_[handle];
    const bool taken_back = row.on == JobWord::won;
    turn.ask(JobEnded{.job = job.id,
                      .state = row.act.state,
                      .by = reason(job, row.act.by),
                      .worker = holder.worker,
                      .offered = holder.offered,
                      .was = taken_back ? JobState::queued : state_of(row.from),
                      .attempt = jobs_.extras(job).attempt,
                      .poison = job.poison});
    Backlog& backlog = backlog_of(job);
    --backlog.unfinished;
    ++backlog.ended.at(static_cast<std::size_t>(row.act.state));
    batches_.ended(jobs_, handle, row.act.state);
    if (job.attached) {
        sessions_[whose(job).session].remove(jobs_, handle);
    }
    backlog.queue.leave(job);
    deadlines_.cancel(jobs_, handle);
    terms_.release(job.terms);
    release_parent(job);
    jobs_.remove(handle);
}

// ---- deadlines ----------------------------------------------------------------------------------

TimePoint JobBook::deadline_of(JobHandle handle) const
{
    const Job& job = jobs_[handle];
    if (job.stage == JobStage::waiting) {
        return std::min(job.due, job.expires);
    }
    if (job.stage == JobStage::queued) {
        return JOBMILL_BUG(18) ? never : job.expires;
    }
    const TimePoint started = holding(handle).started;
    if (started != never && job.stage == JobStage::claimed && !JOBMILL_BUG(6)) {
        return after(started, terms(handle).run_timeout);
    }
    if (job.stage == JobStage::offered) {
        const Duration patience = std::min(terms(handle).run_timeout, patience_.claim);
        return std::min(started == never ? never : after(started, patience), job.expires);
    }
    return never;
}

void JobBook::set_alarm(JobHandle handle, TimePoint now)
{
    deadlines_.set(jobs_, handle, deadline_of(handle), now);
}

void JobBook::watch_front(const WorkerSlot& slot, TimePoint now)
{
    const JobHandle handle = front(slot);
    if (handle != no_job && held(jobs_[handle]).started == never) {
        Job& job = jobs_[handle];
        held(job).started = now;
        backlog_of(job).queue.begin(job, held(job).charged);
        set_alarm(handle, now);
    }
}

JobHandle JobBook::front(const WorkerSlot& slot) const
{
    return slot.held.first();
}

// ---- answers ------------------------------------------------------------------------------------

JobHandle JobBook::held_under(const WorkerSlot& slot, Sequence sequence) const
{
    if (slot.held.empty()) {
        return no_job;
    }
    const JobHandle handle = slot.held_at[number(sequence) % WorkerSlot::claim_words];
    return handle != no_job && holding(handle).sequence == sequence ? handle : no_job;
}

JobHandle JobBook::running(const WorkerSlot& slot) const
{
    JobHandle at = slot.held.last();
    while (at != no_job && !begun(jobs_[at].stage)) {
        at = jobs_[at].place.previous;
    }
    return at;
}

JobHandle JobBook::detach_one(SessionId session)
{
    const auto found = sessions_.find(session);
    if (found == sessions_.end()) {
        return no_job;
    }
    const JobHandle handle = found->second.first();
    if (handle == no_job) {
        sessions_.erase(found);
        return no_job;
    }
    found->second.remove(jobs_, handle);
    jobs_[handle].attached = false;
    return handle;
}

void JobBook::count(PoolId pool, PoolCounts& counts) const
{
    const Backlog& backlog = backlogs_[number(pool)];
    const auto ended = [&](JobState state) {
        return backlog.ended.at(static_cast<std::size_t>(state));
    };
    counts.waiting = backlog.waiting.size();
    counts.queued = backlog.queue.size();
    counts.running = backlog.running;
    counts.retried = backlog.retried;
    for (const std::uint64_t each : backlog.ended) {
        counts.done += each;
    }
    counts.succeeded = ended(JobState::succeeded);
    counts.failed = ended(JobState::failed);
    counts.crashed = ended(JobState::crashed);
    counts.timed_out = ended(JobState::timed_out);
    counts.expired = ended(JobState::expired);
    counts.cancelled = ended(JobState::cancelled);
}

}  // namespace jobmill::core
