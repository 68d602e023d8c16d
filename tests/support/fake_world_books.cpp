// SPDX-License-Identifier: MIT
// The world's own books: where each job is, who holds what, and who is no more.
#include <algorithm>

#include "tests/support/fake_world.hpp"

namespace jobmill::sim {

using Place = PretendJob::Place;

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
    job.offered_at = now_;
    job.waited = false;
    if (worker.held.empty()) {
        job.front_since = now_;
    }
    worker.held.push_back({.sequence = sequence,
                           .job = job.id,
                           .attempt = job.attempt,
                           .expected = expected_run(job)});
    PretendPool& pool = pool_of(job.pool);
    ++pool.held;
    ++working_;
    count_label(job, 1);
}

void FakeWorld::mark_paused(PretendJob& job, bool paused)
{
    job.paused = paused;
    if (paused) {
        paused_.insert(job.id);
    } else {
        paused_.erase(job.id);
    }
}

void FakeWorld::release(PretendJob& job)
{
    mark_paused(job, false);
    set_lending(job, false);
    PretendWorker& worker = existing(job.worker, "a job is held by nobody");
    const bool first = worker.held.front().job == job.id;
    std::erase_if(worker.held,
                  [&](const PretendWorker::Offer& offer) { return offer.job == job.id; });
    if (worker.held.empty()) {
        worker.idle_since = now_;
        worker.closed = false;
    } else if (first) {
        job_of(worker.held.front().job).front_since = now_;
    }
    PretendPool& pool = pool_of(job.pool);
    --pool.held;
    --working_;
    count_label(job, -1);
    job.worker = {};
    job.sequence = {};
    job.known_begun = false;
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
    job.waited = true;
    PretendWorker& worker = existing(job.worker, "nobody lends");
    worker.lending += lends ? 1 : -1;
    worker.lent_in = events_;
    labels_.at(number(job.label)).lending += lends ? 1U : -1U;
    if (lends) {
        ++pool_of(job.pool).lending;
        --working_;
    } else {
        --pool_of(job.pool).lending;
        ++working_;
    }
}

void FakeWorld::settle(const PretendJob& job, const core::JobFinished& event)
{
    const Duration took = job.waited ? event.cpu : std::max(event.cpu, event.ran);
    if (physics_.only_fairness) {
        const std::uint32_t weight =
            number(job.label) == 0 ? 100 : labels_.at(number(job.label)).weight;
        pool_of(job.pool).served.spent(job, static_cast<double>(took.count()) * 100 / weight);
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
            set_lending(parent, parent.paused);
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
