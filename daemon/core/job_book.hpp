// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/assert.hpp"
#include "daemon/core/batch_book.hpp"
#include "daemon/core/dispatcher.hpp"
#include "daemon/core/job_deadlines.hpp"
#include "daemon/core/job_queue.hpp"
#include "daemon/core/label_book.hpp"
#include "daemon/core/pace.hpp"
#include "daemon/core/slab.hpp"
#include "daemon/core/terms_book.hpp"
#include "daemon/core/turn.hpp"
#include "daemon/core/worker_slots.hpp"

namespace jobmill::core {

/// Every job that has not ended: at what stage it is, and where, be it in a queue or with a worker;
/// what it was charged for, and when its next deadline is. Keeps the books only: whether a worker
/// has to be stopped for a job's sake is decided elsewhere.
class JobBook {
public:
    JobBook(WorkerSlots& slots, const Patience& patience) : slots_(&slots), patience_(patience) {}

    /// Once so many places of a pool are lent, a user of whose jobs there so many wait for their
    /// readers begins no other: some are left for all others.
    static constexpr std::uint32_t many_lent = PoolTerms{}.max_lent / 2;
    static constexpr std::uint32_t many_paused = PoolTerms{}.max_lent / 8;

    void add_pool(PoolId pool);
    /// Where it has to be: in its pool's queue, or waiting for its time.
    JobHandle admit(const JobSubmitted& submitted, TimePoint now);
    /// Whose turn it is in that pool; no_job when none may run now.
    [[nodiscard]] JobHandle next_of(PoolId pool);
    /// That one of the queue goes to that worker, under its next sequence.
    void offer(JobHandle handle, WorkerSlot& slot, Turn& turn);
    /// The only way to another stage; moves the job to where it then belongs. False: the word
    /// changes nothing. A job that ends with it is no more afterwards.
    bool step(JobHandle handle, JobWord word, Turn& turn);
    /// The attempt ends like this, and the next one comes after `delay`.
    void retry(JobHandle handle, const JobOutcome& outcome, Duration delay, Turn& turn);

    /// Why it is being ended; to be said before the word that ends it.
    void blame(JobHandle handle, EndedBy why) { jobs_[handle].why = why; }
    /// It has crashed its worker; so often by now.
    std::uint32_t count_crash(JobHandle handle) { return ++jobs_.own_extras(handle).crashes; }
    void mark_poison(JobHandle handle) { jobs_[handle].poison = true; }
    /// How long it took its worker, as far as is known; to be said before the word that ends the
    /// attempt.
    void charge(JobHandle handle, Duration took);
    /// The worker's jobs have changed: the clock of the one that is now at the front runs.
    void watch_front(const WorkerSlot& slot, TimePoint now);
    /// A job whose deadline has come; no_job when there is none.
    JobHandle take_due(TimePoint now)
    {
        return deadlines_.take_due(jobs_, now, [this](JobHandle job) { return deadline_of(job); });
    }
    /// `never` when there is none.
    [[nodiscard]] TimePoint next_deadline() const { return deadlines_.next(); }

    [[nodiscard]] const Job& operator[](JobHandle handle) const { return jobs_[handle]; }
    /// Of a job that a worker holds.
    [[nodiscard]] const Holding& holding(JobHandle handle) const
    {
        const Job& job = jobs_[handle];
        JOBMILL_ASSERT(!unassigned(job.stage));
        return holdings_[number(job.holding)];
    }
    [[nodiscard]] const JobExtras& extras(JobHandle handle) const { return jobs_.extras(handle); }
    /// Whose it is, and its label.
    [[nodiscard]] const JobQueue::LaneKey& whose(JobHandle handle) const
    {
        return whose(jobs_[handle]);
    }
    [[nodiscard]] const JobTerms& terms(JobHandle handle) const
    {
        return terms_[jobs_[handle].terms];
    }
    [[nodiscard]] JobHandle find(JobId id) const { return jobs_.find(id); }
    [[nodiscard]] std::size_t size() const { return jobs_.size(); }
    /// Any job that no worker holds, of that pool; no_job when there is none.
    [[nodiscard]] JobHandle any_unassigned(PoolId pool) const;
    [[nodiscard]] std::size_t queued(PoolId pool) const
    {
        return backlogs_[number(pool)].queue.size();
    }
    /// So many of these their labels allow to run.
    [[nodiscard]] std::size_t startable(PoolId pool) const
    {
        const JobQueue& queue = backlogs_[number(pool)].queue;
        return labels_.startable(queue.size(), queue.by_label());
    }
    /// So many lanes have jobs in that pool's queue.
    [[nodiscard]] std::size_t lanes(PoolId pool) const
    {
        return backlogs_[number(pool)].queue.lanes();
    }
    /// What a job of that pool costs, by the last ones.
    [[nodiscard]] Duration expected(PoolId pool) const
    {
        return backlogs_[number(pool)].queue.expected();
    }
    /// How long the pool's jobs run.
    [[nodiscard]] Pace& pace(PoolId pool) { return backlogs_[number(pool)].pace; }
    [[nodiscard]] const Pace& pace(PoolId pool) const { return backlogs_[number(pool)].pace; }
    /// The job that the worker holds under that sequence.
    [[nodiscard]] JobHandle held_under(const WorkerSlot& slot, Sequence sequence) const;
    /// The last that the worker is known to have begun. Workers serve in order, so whatever it has
    /// begun before is finished, and its word is on the way.
    [[nodiscard]] JobHandle running(const WorkerSlot& slot) const;
    /// The one that it runs, or will run next, as far as nobody has asked for it back.
    [[nodiscard]] JobHandle front(const WorkerSlot& slot) const;
    /// An attached job of that session, which is attached no more; no_job when none is left.
    [[nodiscard]] JobHandle detach_one(SessionId session);

    /// None of that session's attached jobs has its turn until it has caught up.
    void fall_behind(SessionId session) { behind_.insert(session); }
    /// False when it was not behind.
    bool catch_up(SessionId session);
    /// None of the user's jobs has its turn, or they have again: true when they had not.
    bool suspend(UserId user, bool suspended);

    /// To the end of that pool's queue, if no worker holds it.
    void move(JobHandle handle, PoolId to, std::uint16_t handler, TimePoint now);
    /// See HandlerSucceeded.
    void succeed(const HandlerSucceeded& event);
    /// No job is handed over to that pool any more.
    void disinherit(PoolId pool);
    /// The pool that the job belongs to when its worker no longer holds it.
    [[nodiscard]] PoolId comes_back_to(JobHandle handle) const
    {
        const Job& job = jobs_[handle];
        const Heir* heir = heir_of(job);
        return heir == nullptr ? job.pool : heir->pool;
    }
    void relabel(JobHandle handle, LabelId label, TimePoint now);
    /// Jobs of that pool that have not ended.
    [[nodiscard]] std::uint64_t unfinished(PoolId pool) const
    {
        return backlogs_[number(pool)].unfinished;
    }
    /// Whether some of them are with no worker.
    [[nodiscard]] bool has_unassigned(PoolId pool) const
    {
        const Backlog& backlog = backlogs_[number(pool)];
        return backlog.unfinished > backlog.running;
    }
    /// Forgets a pool without jobs.
    void remove_pool(PoolId pool);

    /// The job waits for its own jobs, or its reader, from now on; false when it lends already, or
    /// does not wait.
    bool lend(JobHandle handle);
    /// Its reader holds it up for long, or no longer does. True when it lends its place from now
    /// on.
    bool pause(JobHandle handle, bool paused);
    [[nodiscard]] std::uint32_t lent(PoolId pool) const { return backlogs_[number(pool)].lent; }
    /// A pool in which another number of jobs waits for their own than before; none when there is
    /// no such pool left.
    std::optional<PoolId> take_lending_changed();
    /// Jobs with a worker that do not wait for their own jobs.
    [[nodiscard]] std::uint64_t working(PoolId pool) const
    {
        const Backlog& backlog = backlogs_[number(pool)];
        return backlog.running - backlog.lent;
    }
    [[nodiscard]] std::uint64_t working() const { return working_; }
    /// Workers that hold a job.
    [[nodiscard]] std::uint32_t busy_workers() const { return busy_workers_; }

    [[nodiscard]] std::size_t pools() const { return backlogs_.size(); }
    [[nodiscard]] BatchBook& batches() { return batches_; }
    [[nodiscard]] const BatchBook& batches() const { return batches_; }
    [[nodiscard]] LabelBook& labels() { return labels_; }
    [[nodiscard]] const LabelBook& labels() const { return labels_; }
    /// By number, whether any job has that label.
    [[nodiscard]] std::vector<bool> labels_of_jobs() const;
    /// See BatchBook.
    [[nodiscard]] JobHandle next_to_halt() { return batches_.next_to_halt(jobs_); }
    [[nodiscard]] BatchCounts counts(BatchId batch) const { return batches_.counts(batch); }
    /// Fills in the members that are about jobs.
    void count(PoolId pool, PoolCounts& counts) const;

private:
    /// A handler of another pool that has taken the place of one.
    struct Heir {
        std::uint16_t of = 0;  ///< that handler
        PoolId pool{};
        std::uint16_t handler = 0;
    };
    struct Backlog {
        JobQueue queue;
        Pace pace;
        HeldJobs waiting;
        std::uint64_t unfinished = 0;  ///< waiting, queued or with a worker
        std::uint64_t running = 0;     ///< with a worker
        std::uint32_t lent = 0;        ///< of these, so many wait for their own jobs
        std::unordered_map<UserId, std::uint32_t> paused;  ///< of these, by those who have any
        std::vector<Heir> heirs;                           ///< none of a pool that goes on
        std::uint64_t retried = 0;
        std::array<std::uint64_t, job_state_names.size()> ended{};
    };

    [[nodiscard]] Backlog& backlog_of(const Job& job) { return backlogs_[number(job.pool)]; }
    [[nodiscard]] const JobQueue::LaneKey& whose(const Job& job) const
    {
        return backlogs_[number(job.pool)].queue.key_of(job);
    }
    [[nodiscard]] Hindrance hindrance_of(const Backlog& backlog,
                                         const JobQueue::LaneKey& lane) const;
    void mark_paused(Job& job, bool paused);
    /// Whether the user has lent so many of many places that others would be left without.
    [[nodiscard]] static bool crowds(const Backlog& backlog, UserId user);
    void free_crowds(Backlog& backlog, UserId user);
    [[nodiscard]] Holding& held(const Job& job)
    {
        JOBMILL_ASSERT(!unassigned(job.stage));
        return holdings_[number(job.holding)];
    }
    /// Who holds a job, and since when; slot 0 when nobody does.
    struct Holder {
        WorkerId worker;
        TimePoint offered{};
    };
    [[nodiscard]] Holder holder_of(const Job& job)
    {
        return unassigned(job.stage) ? Holder{} : Holder{held(job).worker, held(job).offered};
    }
    void set_stage(JobHandle handle, JobStage stage);
    void leave_place(JobHandle handle, TimePoint now);
    void enter_queue(JobHandle handle, bool anew, TimePoint now);
    [[nodiscard]] Duration expected_run(const Job& job);
    void take_from_worker(JobHandle handle);
    void change_pool(Job& job, PoolId to, std::uint16_t handler);
    [[nodiscard]] const Heir* heir_of(const Job& job) const;
    bool hand_over(JobHandle handle, Turn& turn);
    void stop_lending(Job& job);
    void end(JobHandle handle, const JobRow& row, const Holder& holder, Turn& turn);
    void release_parent(const Job& job);
    [[nodiscard]] TimePoint deadline_of(JobHandle handle) const;
    void set_alarm(JobHandle handle, TimePoint now);

    WorkerSlots* slots_;
    Patience patience_;
    JobTable jobs_;
    Slab<Holding, 256, 4> holdings_;  ///< of the jobs that workers hold
    TermsBook terms_;
    JobDeadlines deadlines_;
    std::vector<Backlog> backlogs_;  ///< by pool number
    std::unordered_map<SessionId, SessionJobs> sessions_;
    std::unordered_set<SessionId> behind_;  ///< whose clients do not read
    std::unordered_set<UserId> suspended_;
    BatchBook batches_;
    LabelBook labels_;
    std::vector<PoolId> lending_changed_;
    std::uint64_t working_ = 0;  ///< in all pools
    std::uint32_t busy_workers_ = 0;
};

}  // namespace jobmill::core
