// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>

#include "tests/support/pretend_pool.hpp"
#include "tests/support/pretend_worker.hpp"

namespace jobmill::sim {

/// The dispatcher broke a promise.
struct Violation : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// What kind of world it is, for its whole life.
struct Physics {
    core::Patience patience;
    bool late_answers = false;   ///< RevokeClaim is answered some time later
    bool only_fairness = false;  ///< nothing but fair shares decides about the order
};

/// A dispatcher with everything around it pretended: templates, worker processes, their links and
/// claim words, and the clock. Carries effects out, and compares each with what is true and with
/// what was promised; throws a Violation where they differ. What happens next is the caller's
/// choice.
class FakeWorld {
public:
    /// Labels are numbered below this.
    static constexpr std::uint32_t most_labels = 8;

    FakeWorld(const Physics& physics, std::uint64_t seed);

    // The operator. A pool gets a number that is new, or that of a pool that is gone.
    PoolId add_pool(core::PoolAdded wanted, bool reuse_number = false);
    void resize_pool(PoolId pool, std::uint32_t workers);
    void adjust_pool(PoolId pool, const core::PoolTerms& terms);
    /// Jobs of the one handler that come back are the other's.
    void succeed(PoolId old, std::uint16_t handler, PoolId to, std::uint16_t to_handler);
    void retire_pool(PoolId pool);
    void suspend_pool(PoolId pool, bool suspended);
    /// What has not begun in `from`.
    void move_jobs(PoolId from, PoolId to);
    void relabel(JobId job, LabelId label);
    void adjust_label(LabelId label, std::uint32_t max_running, std::uint32_t weight);
    void adjust_cap(std::uint32_t max_running);
    void judge_memory(bool low);
    void stop(Duration grace);
    void stop_now();

    // Clients.
    /// Under the next number, which is returned.
    JobId submit(core::JobSubmitted wanted);
    /// What was submitted to that pool with `more` is all that comes together.
    void end_submits(PoolId pool);
    void cancel(JobId job, bool unless_running = false);
    void lose_session(SessionId session);
    /// The client stops or begins again to read.
    void set_behind(SessionId session, bool behind);
    /// The user's jobs do not begin, or may again.
    void suspend_user(UserId user, bool suspended);
    /// The job waits for its reader, for long or not, or no longer does.
    void pause(JobId job, bool paused, bool for_long = false);
    BatchId open_batch(const core::HaltRule& rule);
    void close_batch(BatchId batch);

    /// Lets time pass; the timer fires if its time is then past, unless it is late.
    void advance(Duration duration, bool late = false);
    void fire_timer();

    // Templates.
    void template_loads(PretendPool& pool);
    void template_dies(PretendPool& pool);
    void tell_silent(PretendPool& pool);
    void fork_happens(PretendWorker& worker);
    void fork_fails(PretendWorker& worker);

    // Workers.
    void say_hello(PretendWorker& worker);
    void begin_next(PretendWorker& worker);
    void finish(PretendWorker& worker, JobState state, Duration cpu);
    void die(PretendWorker& worker, bool by_limit = false);

    // The edge: tells the core what has happened.
    void tell_forked(PretendWorker& worker);
    void tell_next(PretendWorker& worker);
    /// So many of the results in its link, in one go; what comes behind them is not whole yet.
    void tell_words(PretendWorker& worker, std::size_t count, bool one_is_half);
    /// Only when the link is read to its end.
    void tell_exit(PretendWorker& worker);
    void tell_answer(std::size_t which);
    /// Any event as it is.
    void tell(const core::Event& event) { feed(event); }

    /// Compares what the core knows with what is so. `check_all` looks up each job besides.
    void check();
    void check_all();

    /// Pools and workers as they are, for whoever reads a trace.
    [[nodiscard]] std::string summary() const;

    [[nodiscard]] TimePoint now() const { return now_; }
    [[nodiscard]] std::optional<TimePoint> armed() const { return armed_; }
    /// Those that are not forgotten, the oldest first.
    [[nodiscard]] const std::vector<std::unique_ptr<PretendWorker>>& workers() { return workers_; }
    [[nodiscard]] std::deque<PretendPool>& pools() { return pools_; }
    [[nodiscard]] PretendPool& pool_of(PoolId pool) { return pools_.at(number(pool)); }
    /// Jobs that have not ended, in no order.
    [[nodiscard]] const std::vector<JobId>& alive() const { return alive_; }
    [[nodiscard]] const PretendJob& job(JobId id) const { return jobs_.at(number(id) - 1); }
    [[nodiscard]] const std::deque<PretendBatch>& batches() const { return batches_; }
    /// Nothing may be submitted to it any more.
    [[nodiscard]] bool sealed(BatchId batch) const;
    [[nodiscard]] std::size_t answers() const { return answers_.size(); }
    [[nodiscard]] bool memory_low() const { return memory_low_; }
    /// Whose clients do not read.
    [[nodiscard]] const std::set<SessionId>& behind() const { return behind_; }
    [[nodiscard]] const std::set<UserId>& suspended_users() const { return suspended_users_; }
    [[nodiscard]] const std::set<JobId>& paused() const { return paused_; }
    [[nodiscard]] bool stopping() const { return stop_asked_; }
    [[nodiscard]] bool stopped() const { return stopped_; }
    /// Processes that are no more.
    [[nodiscard]] const std::vector<WorkerId>& past() const { return past_; }
    [[nodiscard]] std::uint64_t events() const { return events_; }
    [[nodiscard]] std::uint64_t submitted() const { return jobs_.size(); }
    [[nodiscard]] std::uint64_t ended(JobState state) const
    {
        return ended_.at(static_cast<std::size_t>(state));
    }
    /// Called with every event and effect, as text.
    std::function<void(const std::string&)> trace;

private:
    /// How an attempt came to its end, whether or not another follows.
    struct Verdict {
        JobState state = JobState::succeeded;
        core::EndedBy by = core::EndedBy::worker;
        JobState was = JobState::running;
        WorkerId worker;
        TimePoint offered{};
        std::uint32_t attempt = 1;
        bool poison = false;
        bool retried = false;
    };
    /// What is true of a held job when its attempt ends.
    struct Evidence {
        const core::JobFinished* word = nullptr;  ///< its worker's, in this event
        const PretendWorker* worker = nullptr;
        bool dead = false;  ///< the worker is, or counts as such, and had begun it
    };

    void feed(const core::Event& event);
    template <typename Event>
    void foresee(const Event& /*event*/)
    {
    }
    void foresee(const core::PoolResized& event);
    void foresee(const core::PoolSuspended& event);
    void foresee(const core::PoolAdjusted& event);
    void foresee(const core::LabelAdjusted& event);
    void foresee(const core::CapAdjusted& event);
    void foresee(const core::MemoryJudged& event);
    void foresee(const core::HandlerSucceeded& event);
    void foresee(const core::PoolRetired& event);
    void foresee(const core::TemplateReady& event);
    void foresee(const core::TemplateLost& event);
    void foresee(const core::TemplateSilent& event);
    void foresee(const core::WorkerForked& event);
    void foresee(const core::ForkFailed& event);
    void foresee(const core::WorkerReady& event);
    void foresee(const core::WorkerExited& event);
    void foresee(const core::WorkerMisbehaved& event);
    void foresee(const core::WorkerHung& event);
    void foresee(const core::WorkerWorn& event);
    void foresee(const core::JobDeaf& event);
    void foresee(const core::CancelRequested& event);
    void foresee(const core::JobMoved& event);
    void foresee(const core::JobRelabelled& event);
    void foresee(const core::BatchClosed& event);
    void foresee(const core::SessionLost& event);
    void foresee(const core::SessionBehind& event);
    void foresee(const core::UserSuspended& event);
    void foresee(const core::JobPaused& event);
    void foresee(const core::JobFinished& event);
    void foresee(const core::WordsHeard& event);
    void foresee(const core::ClaimRevoked& event);
    void foresee(const core::TimerFired& event);
    void foresee(const core::StopRequested& event);
    void foresee(const core::StopNow& event);

    template <typename Effect>
    void carry_out(const Effect& effect) = delete;
    void carry_out(const core::StartTemplate& effect);
    void carry_out(const core::DismissTemplate& effect);
    void carry_out(const core::KillTemplate& effect);
    void carry_out(const core::PoolGone& effect);
    void carry_out(const core::ForkWorker& effect);
    void carry_out(const core::OfferJob& effect);
    void carry_out(const core::RevokeClaim& effect);
    void carry_out(const core::RaiseCancelFlag& effect);
    void carry_out(const core::TakeStack& effect);
    void carry_out(const core::CollectWords& effect);
    void carry_out(const core::HearOut& effect);
    void carry_out(const core::DismissWorker& effect);
    void carry_out(const core::TerminateWorker& effect);
    void carry_out(const core::KillWorker& effect);
    void carry_out(const core::CondemnWorker& effect);
    void carry_out(const core::JobEnded& effect);
    void carry_out(const core::JobRetried& effect);
    void carry_out(const core::JobHandedOver& effect);
    void carry_out(const core::JobLetBe& effect);
    void carry_out(const core::BatchHalted& effect);
    void carry_out(const core::PoolJudged& effect);
    void carry_out(const core::ArmTimer& effect);
    void carry_out(const core::Stopped& effect);

    // What is compared with each effect.
    void check_offer(const core::OfferJob& effect, const PretendWorker& worker,
                     const PretendJob& job);
    void check_spread(const PretendWorker& chosen, const PretendJob& job);
    /// What the core thinks that the job takes.
    [[nodiscard]] Duration expected_run(const PretendJob& job);
    [[nodiscard]] static Duration expected(const PretendWorker& worker);
    void check_backoff(const PretendSlot& slot, const PretendWorker* last);
    void check_flag(const PretendWorker& worker, const PretendJob& job);
    void check_kill(const PretendWorker& worker);
    void check_verdict(const PretendJob& job, const Verdict& verdict);
    void check_place(const PretendJob& job, const Verdict& verdict, const Evidence& evidence);
    void check_reason(const PretendJob& job, const Verdict& verdict, const Evidence& evidence);
    void check_fate(const PretendJob& job, const Verdict& verdict, const PretendWorker& worker);
    [[nodiscard]] bool unwanted(const PretendJob& job);
    [[nodiscard]] bool gives_up(const PretendJob& job);
    void check_attempts(const PretendJob& job, const Verdict& verdict);
    /// Whether another attempt has to follow.
    [[nodiscard]] bool has_another(const PretendJob& job, const Verdict& verdict) const;

    // What is compared after each event.
    void review();
    void check_workers();
    void check_patience(const PretendWorker& worker);
    void check_clocks(const PretendWorker& worker);
    void muster_all();
    void check_slots(const PretendPool& pool);
    void check_numbers(const PretendPool& pool);
    void check_shares(const PretendPool& pool);
    void check_company(const PretendWorker& worker, const PretendJob& job);
    void check_template(const PretendPool& pool);
    void check_counts(const PretendPool& pool);
    void check_batches();
    void check_heirs();

    /// How long a worker may go on after it was told of that its job never looks at its flag.
    [[nodiscard]] Duration deafness(const PretendWorker& worker) const
    {
        return worker.notes_stack ? physics_.patience.stack : physics_.patience.deaf;
    }
    [[nodiscard]] bool over(std::optional<TimePoint> since, Duration patience) const
    {
        return since && now_ >= core::after(*since, patience);
    }
    /// Whether another job that is like that may run there.
    [[nodiscard]] bool may_run(const PretendPool& pool, const Likeness& like) const;
    [[nodiscard]] bool crowds(const PretendPool& pool, UserId user) const;
    /// Whether some job of the pool could begin at once.
    [[nodiscard]] bool has_turn(const PretendPool& pool) const;
    [[nodiscard]] static bool called_back(const PretendWorker& worker);
    /// Workers hold as much ahead as jobs are short, not as many as they may.
    [[nodiscard]] bool by_pace() const { return physics_.patience.ahead != core::forever; }
    [[nodiscard]] bool is_closed(const PretendWorker& worker) const;
    [[nodiscard]] bool overruns(const PretendWorker& worker) const;
    [[nodiscard]] bool open_to_all(const PretendWorker& worker) const;
    [[nodiscard]] bool used_up(const PretendWorker& worker) const;
    [[nodiscard]] bool could_take(const PretendWorker& worker) const;
    /// Whether it may leave, because another is to serve in its place.
    [[nodiscard]] bool worn(const PretendWorker& worker) const;
    [[nodiscard]] Muster muster(PoolId pool) const;
    /// Whether the pool's processes may go because of its last job's end.
    [[nodiscard]] bool may_dissolve(const PretendPool& pool) const
    {
        return pool.retired && pool.unfinished() == 0;
    }

    // The world's own books.
    PretendSlot& slot_of(SlotId slot);
    PretendJob& job_of(JobId id) { return jobs_.at(number(id) - 1); }
    PretendBatch* batch_of(const PretendJob& job);
    PretendWorker& existing(WorkerId worker, const char* what);
    PretendWorker* find(WorkerId worker);
    void enqueue(PretendJob& job, bool anew, bool together = false);
    void unqueue(PretendJob& job);
    void hold(PretendJob& job, PretendWorker& worker, Sequence sequence);
    void release(PretendJob& job);
    void count_label(const PretendJob& job, int change);
    void set_lending(PretendJob& job, bool lends);
    void settle(const PretendJob& job, const core::JobFinished& event);
    void end(PretendJob& job, JobState state);
    void ask_cancel(PretendJob& job);
    void mark_behind(SessionId session, bool behind);
    void mark_paused(PretendJob& job, bool paused);
    void join_queues();
    void leave_queue(PretendJob& job);
    void tell_over(PretendWorker& worker);
    void bury();

    Physics physics_;
    core::Dispatcher dispatcher_;
    TimePoint now_{};
    std::optional<TimePoint> armed_;
    std::deque<PretendPool> pools_;
    std::vector<std::unique_ptr<PretendWorker>> workers_;
    std::vector<PretendSlot> slots_;  ///< by number; [0] is none
    std::uint64_t exits_ = 0;         ///< told to the core, of workers that are not forgotten
    std::vector<WorkerId> past_;
    std::vector<PretendJob> jobs_;  ///< by number from 1
    std::vector<JobId> alive_;
    std::deque<PretendBatch> batches_;  ///< by number from 1
    std::vector<PretendLabel> labels_;
    std::uint32_t cap_ = core::no_bound;
    std::uint64_t working_ = 0;  ///< in all pools
    std::set<SessionId> behind_;
    std::set<UserId> suspended_users_;
    std::set<JobId> paused_;
    std::vector<JobId> doomed_;  ///< what a batch that gave up has not ended yet
    std::deque<core::ClaimRevoked> answers_;
    core::Effects effects_;
    std::uint64_t events_ = 0;

    // About the event that is handled now.
    const core::Event* happening_ = nullptr;
    std::vector<JobId> must_end_;
    std::optional<std::pair<WorkerId, Sequence>> must_leave_;
    std::optional<JobId> must_let_be_;
    std::optional<WorkerId> must_be_killed_;
    std::optional<PoolId> must_judge_;
    std::optional<WorkerId> must_be_heard_;

    std::array<std::uint64_t, job_state_names.size()> ended_{};
    bool memory_low_ = false;
    bool ends_go_on_ = false;  ///< when the timer fires: some were doomed since it did last
    bool stop_asked_ = false;
    bool grace_over_ = false;
    bool words_follow_ = false;  ///< what is queued goes out after them
    bool kill_asked_ = false;
    std::optional<TimePoint> grace_until_;
    bool stopped_ = false;
};

/// Throws a Violation when the promise is not kept.
inline void demand(bool kept, const char* promise)
{
    if (!kept) {
        throw Violation(promise);
    }
}

}  // namespace jobmill::sim
