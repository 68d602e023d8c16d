// SPDX-License-Identifier: MIT
// How an attempt may end, and whether another has to follow.
#include <algorithm>

#include "tests/support/fake_world.hpp"

namespace jobmill::sim {

using core::EndedBy;
using Place = PretendJob::Place;

void FakeWorld::check_verdict(const PretendJob& job, const Verdict& verdict)
{
    demand(job.place != Place::ended, "a job ended that is unknown, or for the second time");
    demand(verdict.attempt == job.attempt, "an attempt ended that is not the job's last");
    Evidence evidence;
    if (job.place == Place::held) {
        PretendWorker& worker = existing(job.worker, "a job is held by nobody");
        const auto* word = std::get_if<core::JobFinished>(happening_);
        evidence.worker = &worker;
        evidence.dead = worker.over() && worker.claimed(job.sequence);
        if (word != nullptr && must_leave_ == std::pair{job.worker, job.sequence}) {
            evidence.word = word;
        }
        worker.crashes_charged += evidence.dead ? 1U : 0U;
    }
    check_place(job, verdict, evidence);
    check_reason(job, verdict, evidence);
    check_attempts(job, verdict);
}

void FakeWorld::check_place(const PretendJob& job, const Verdict& verdict, const Evidence& evidence)
{
    if (job.place == Place::held) {
        demand(verdict.was == JobState::running && verdict.worker == job.worker,
               "an attempt ended under a wrong worker");
        demand(verdict.offered == job.offered_at, "an attempt began at another time");
        demand(evidence.word != nullptr || evidence.dead,
               "an attempt ended that its worker still holds");
        demand(job.begun_attempt == job.attempt || evidence.worker->hostile,
               "an attempt that never began ended as if it had");
        return;
    }
    const bool may_have_joined = job.place == Place::queued || job.due <= now_;
    demand(verdict.was == JobState::queued
               ? may_have_joined
               : verdict.was == JobState::waiting && job.place == Place::waiting,
           "a job ended in another place than it was");
    demand(verdict.worker == WorkerId{} && !verdict.retried, "nobody ran it, or another attempt");
    demand(job.begun_attempt < job.attempt, "a job that had begun ended as if it had not");
}

void FakeWorld::check_reason(const PretendJob& job, const Verdict& verdict,
                             const Evidence& evidence)
{
    const JobState state = verdict.state;
    const bool success = evidence.word != nullptr && evidence.word->state == JobState::succeeded;
    demand(success == (state == JobState::succeeded), "a success was not believed, or made up");
    if (verdict.by == EndedBy::worker) {
        demand(evidence.word != nullptr && evidence.word->state == state,
               "a result out of nowhere");
        demand(success || (!unwanted(job) && evidence.worker->flagged != job.sequence),
               "a job that was stopped ended as failed");
    } else if (job.place == Place::held) {
        check_fate(job, verdict, *evidence.worker);
    }
    switch (verdict.by) {
        case EndedBy::worker:
            break;
        case EndedBy::worker_death:
        case EndedBy::limit:
            demand(evidence.dead, "a crash was charged to the wrong job");
            break;
        case EndedBy::timeout:
        case EndedBy::hang:
            demand(state == JobState::timed_out && job.place == Place::held,
                   "a job was timed out that nobody runs");
            break;
        case EndedBy::deadline:
            demand(state == JobState::expired && job.unassigned() && job.expires <= now_ &&
                       job.begun_attempt == 0,
                   "a job expired that had time, or had begun");
            break;
        case EndedBy::cancel:
            demand(state == JobState::cancelled &&
                       (job.cancel_asked || (job.waived && job.unassigned())),
                   "a job was cancelled that nobody cancelled");
            break;
        case EndedBy::halt:
            demand(state == JobState::cancelled && gives_up(job),
                   "a job was halted whose batch goes on");
            break;
        case EndedBy::stop:
            demand(state == JobState::cancelled && stop_asked_ &&
                       (job.place == Place::held ? grace_over_ : !job.cancel_asked),
                   "a job was stopped before its time");
            break;
    }
}

/// The end of an attempt that its worker has not told.
void FakeWorld::check_fate(const PretendJob& job, const Verdict& verdict,
                           const PretendWorker& worker)
{
    const bool by_itself = !unwanted(job) && worker.flagged != job.sequence;
    const bool limited = worker.died_by_limit && worker.exit_told;
    switch (verdict.by) {
        case EndedBy::worker_death:
            demand(verdict.state == JobState::crashed && by_itself,
                   "a crash was charged to the wrong job");
            demand(!limited || worker.hostile || worker.condemned,
                   "a death of a limit was charged as a crash");
            break;
        case EndedBy::limit:
            demand(verdict.state == JobState::failed && by_itself && limited,
                   "a limit was made up");
            break;
        case EndedBy::timeout:
            demand(!unwanted(job) && over(job.front_since, job.terms.run_timeout),
                   "a job was timed out that had time");
            break;
        case EndedBy::hang:
            demand(!unwanted(job) && number(worker.hung_told) != 0,
                   "a job hung of which nobody said so");
            break;
        case EndedBy::worker:
        case EndedBy::deadline:
        case EndedBy::cancel:
        case EndedBy::halt:
        case EndedBy::stop:
            break;
    }
}

/// Whether it has to stop though it runs.
bool FakeWorld::unwanted(const PretendJob& job)
{
    return job.cancel_asked || (job.halt_asked && batch_of(job)->rule.now);
}

bool FakeWorld::gives_up(const PretendJob& job)
{
    const PretendBatch* batch = batch_of(job);
    return batch != nullptr && (job.halt_asked || batch->halting || batch->counts.halted);
}

void FakeWorld::check_attempts(const PretendJob& job, const Verdict& verdict)
{
    const bool crashed = verdict.state == JobState::crashed;
    const bool poison = crashed && job.crashes + 1 >= pool_of(job.pool).terms.poison_after;
    demand(verdict.poison == poison, "poison was taken for something else, or not told");
    demand(verdict.retried == (!poison && has_another(job, verdict)),
           "an attempt was followed by another that must not, or not by one that must");
}

bool FakeWorld::has_another(const PretendJob& job, const Verdict& verdict) const
{
    const bool halted = number(job.batch) != 0 && batches_.at(number(job.batch) - 1).counts.halted;
    if (job.cancel_asked || halted || stop_asked_) {
        return false;
    }
    switch (verdict.state) {
        case JobState::crashed:
            return job.attempt <= job.terms.retry_crash;
        case JobState::timed_out:
            return job.attempt <= job.terms.retry_timeout;
        case JobState::failed:
            return job.attempt <= job.terms.retry_failure;
        default:
            return false;
    }
}

}  // namespace jobmill::sim
