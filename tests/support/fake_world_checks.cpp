// SPDX-License-Identifier: MIT
// What the dispatcher promises, as FakeWorld compares it.
#include <algorithm>

#include "tests/support/fake_world.hpp"

namespace jobmill::sim {

using core::EndedBy;
using Place = PretendJob::Place;
using Template = PretendPool::Template;

namespace {

void demand(bool kept, const char* promise)
{
    if (!kept) {
        throw Violation(promise);
    }
}

}  // namespace

void FakeWorld::review()
{
    demand(!must_end_ || jobs_.count(*must_end_) == 0,
           "a job goes on that was cancelled in the queue, or whose worker has finished it");
    demand(!must_be_killed_ || workers_.at(*must_be_killed_).killed_at.has_value(),
           "a worker that misbehaved lives on");
    for (const PretendPool& pool : pools_) {
        demand(surplus(pool.id) <= pool.surplus_before || may_dissolve(pool.id) ||
                   std::holds_alternative<core::PoolResized>(*happening_),
               "a pool got a worker that it has too many");
    }
}

void FakeWorld::check_end(const core::JobEnded& effect, const PretendJob& job)
{
    const auto* finished = std::get_if<core::JobFinished>(happening_);
    const PretendWorker* worker = find(job.worker);
    const bool by_word = finished != nullptr && job.place == Place::held &&
                         finished->worker == job.worker && finished->sequence == job.sequence;
    const bool by_death = worker != nullptr && worker->exit_told && worker->claimed(job.sequence);
    const bool ran = effect.by != EndedBy::cancel_queued && effect.by != EndedBy::stop_queued;
    demand(effect.worker == (ran ? job.worker : WorkerId{}), "a job ended under a wrong worker");
    demand(!ran || job.runs == 1 || (worker != nullptr && worker->hostile),
           "a job that never began ended as if it had");
    demand(ran || job.runs == 0, "a job that had begun ended as if it had not");
    demand(!by_word ||
               (finished->state == JobState::succeeded) == (effect.state == JobState::succeeded),
           "a job's own success was not believed");
    switch (effect.by) {
        case EndedBy::worker:
            demand(by_word && finished->state == effect.state, "a result out of nowhere");
            demand(effect.state == JobState::succeeded || !job.cancel_asked,
                   "a cancelled job ended as failed");
            break;
        case EndedBy::worker_death:
            demand(effect.state == JobState::crashed && by_death && !job.cancel_asked,
                   "a crash was charged to the wrong job");
            break;
        case EndedBy::cancel_queued:
            demand(effect.state == JobState::cancelled && job.cancel_asked &&
                       job.place == Place::queued,
                   "a job was cancelled that nobody cancelled or that a worker holds");
            break;
        case EndedBy::cancel_running:
            demand(effect.state == JobState::cancelled && job.cancel_asked && (by_word || by_death),
                   "a running job was cancelled that nobody cancelled or that still runs");
            break;
        case EndedBy::stop_queued:
            demand(effect.state == JobState::cancelled && stop_asked_ && !job.cancel_asked &&
                       job.place == Place::queued,
                   "a queued job was stopped for no reason");
            break;
        case EndedBy::stop_running:
            demand(effect.state == JobState::cancelled && grace_over_ && (by_word || by_death),
                   "a running job was stopped before its time");
            break;
    }
    if (by_death) {
        ++workers_.at(job.worker).crashes_charged;
    }
}

void FakeWorld::check_kill(const PretendWorker& worker)
{
    const bool silent =
        worker.forked_told && !worker.hello_told && now_ >= worker.forked_at + patience_.start;
    const bool deaf =
        (worker.terminated_at && now_ >= *worker.terminated_at + patience_.terminate) ||
        (worker.dismissed_at && now_ >= *worker.dismissed_at + patience_.dismiss);
    demand(worker.known() && !worker.exit_told && !worker.killed_at,
           "nobody to kill, or killed twice");
    demand(worker.misbehaved || silent || deaf || kill_asked_, "a worker was killed for no reason");
}

/// `last` is the slot's last process while it is not forgotten.
void FakeWorld::check_backoff(const PretendSlot& slot, const PretendWorker* last)
{
    const bool at_once = slot.generation == 0 || !slot.pool ||
                         (last != nullptr ? last->hello_told : slot.last_was_ready);
    demand(at_once || (last == nullptr && now_ - slot.empty_since >= patience_.first_backoff),
           "a slot that fails was refilled without a pause");
}

bool FakeWorld::could_take(const PretendWorker& worker) const
{
    const bool free_claim =
        worker.held.empty() || worker.offers + 1 - number(worker.held.front().sequence) < 256;
    return worker.open() && worker.held.size() < pool_of(worker.pool).depth && free_claim &&
           !worker.stopping_a_job();
}

void FakeWorld::check_spread(const PretendWorker& chosen)
{
    for (const auto& [id, other] : workers_) {
        demand(other.pool != chosen.pool || !could_take(other) || surplus(other.pool) > 0 ||
                   other.held.size() >= chosen.held.size(),
               "a worker was offered a job while another held fewer");
    }
}

void FakeWorld::check()
{
    demand(dispatcher_.unfinished_jobs() == jobs_.size(), "a job was lost, or is kept too long");
    for (const PretendPool& pool : pools_) {
        demand(dispatcher_.counts(pool.id).queued == pool.queued.size(),
               "a queue has another length than it should");
    }
    check_workers();
    check_slots();
    check_numbers();
    check_templates();
}

void FakeWorld::check_all()
{
    check();
    for (const auto& [id, job] : jobs_) {
        const bool queued = job.place == Place::queued;
        demand(dispatcher_.state_of(id) == (queued ? JobState::queued : JobState::running),
               "a job is not where it should be");
        demand(dispatcher_.worker_of(id) == (queued ? std::optional<WorkerId>{} : job.worker),
               "a job is with another worker than it should be");
        demand(queued || dispatcher_.job_of(job.worker, job.sequence) == id,
               "a worker does not hold what it was offered");
    }
}

void FakeWorld::check_workers()
{
    const bool in_time = !armed_ || *armed_ > now_;
    for (const auto& [id, worker] : workers_) {
        const PretendPool& pool = pool_of(worker.pool);
        demand(worker.held.size() <= pool.depth, "a worker holds more than it may");
        demand(worker.crashes_charged <= 1 || worker.hostile,
               "a death was charged to more than one job");
        demand(pool.queued.empty() || !could_take(worker) || surplus(pool.id) > 0,
               "a job waits beside a free worker");
        if (in_time) {
            check_patience(worker);
        }
    }
}

/// Whoever had to be stopped by now was.
void FakeWorld::check_patience(const PretendWorker& worker)
{
    if (worker.exit_told || worker.killed_at) {
        return;
    }
    const auto over = [this](std::optional<TimePoint> since, Duration patience) {
        return since && now_ >= *since + patience;
    };
    demand(!over(worker.dismissed_at, patience_.dismiss), "a dismissed worker stays for ever");
    demand(worker.dismissed_at || !over(worker.terminated_at, patience_.terminate),
           "a terminated worker stays for ever");
    // A liar may have ended the job that it still runs.
    const bool runs = worker.hello_told && worker.holds(worker.current);
    demand(worker.leaving() || !runs || worker.current != worker.flagged ||
               !over(worker.flagged_at, patience_.cancel),
           "a cancelled job runs for ever");
    demand(worker.leaving() || !worker.forked_told || worker.hello_told ||
               !over(worker.forked_at, patience_.start),
           "a worker may take for ever to say hello");
    demand(!grace_over_ || !runs || worker.leaving(), "a job runs on though its grace is over");
}

void FakeWorld::check_slots()
{
    for (const PretendPool& pool : pools_) {
        if (stop_asked_ || !pool.told_ready || may_dissolve(pool.id)) {
            continue;
        }
        const auto filled = static_cast<std::size_t>(
            std::count_if(workers_.begin(), workers_.end(),
                          [&](const auto& entry) { return entry.second.pool == pool.id; }));
        std::size_t resting = 0;
        for (const auto& [number, slot] : slots_) {
            const bool empty = slot.pool == pool.id && find({number, slot.generation}) == nullptr;
            const bool in_time =
                (armed_ && *armed_ <= now_) || now_ - slot.empty_since < patience_.longest_backoff;
            resting += empty && !slot.last_was_ready && in_time ? 1U : 0U;
        }
        demand(filled + resting >= pool.workers,
               "a slot is empty that should have been filled by now");
    }
}

/// Nobody is too many but who has to finish a job first, or cannot be told to leave yet.
void FakeWorld::check_numbers()
{
    for (const PretendPool& pool : pools_) {
        const std::uint32_t excess = surplus(pool.id);
        demand(staying(pool.id) <= pool.workers + excess || may_dissolve(pool.id) || stop_asked_,
               "a pool has more workers than it should");
        const auto idle = std::count_if(workers_.begin(), workers_.end(), [&](const auto& entry) {
            const PretendWorker& worker = entry.second;
            return worker.pool == pool.id && worker.open() && worker.held.empty();
        });
        demand(pool.queued.empty() || idle == 0, "a worker is idle while a job waits");
        const auto served = std::count_if(workers_.begin(), workers_.end(), [&](const auto& entry) {
            const PretendWorker& worker = entry.second;
            return worker.pool == pool.id && worker.offered_since_resize && !worker.exit_told &&
                   !worker.leaving();
        });
        demand(static_cast<std::uint32_t>(served) <= pool.workers,
               "a job was offered to a worker that is too many");
    }
}

void FakeWorld::check_templates()
{
    for (const PretendPool& pool : pools_) {
        demand(pool.state != Template::absent || stop_asked_ || pool.gone ||
                   may_dissolve(pool.id) || (armed_ && *armed_ <= now_) ||
                   now_ - pool.absent_since < patience_.longest_backoff,
               "a template stays away for ever");
    }
}

}  // namespace jobmill::sim
