// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <stdexcept>
#include <string>

#include "daemon/core/dispatcher.hpp"
#include "tests/support/pretend_worker.hpp"

namespace jobmill::sim {

/// The dispatcher broke a promise.
struct Violation : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct PretendJob {
    enum class Place : std::uint8_t { queued, held, ended };
    JobId id{};
    SessionId session{};
    PoolId pool{};
    bool attached = true;
    Place place = Place::queued;
    WorkerId worker{};
    Sequence sequence{};
    std::uint32_t runs = 0;
    bool cancel_asked = false;
};

struct PretendSlot {
    std::optional<PoolId> pool;  ///< none before its first process, and after its pool's end
    std::uint32_t generation = 0;
    bool last_was_ready = false;
    TimePoint empty_since{};
};

struct PretendPool {
    enum class Template : std::uint8_t { absent, loading, ready };
    PoolId id{};
    std::uint32_t workers = 1;  ///< that it should have
    std::uint32_t depth = 1;
    Template state = Template::absent;
    bool told_ready = false;
    bool hung = false;  ///< the template answers nothing any more
    bool silent_told = false;
    std::optional<TimePoint> loading_since;
    std::optional<TimePoint> dismissed_at;
    bool killed = false;
    bool retired = false;
    bool shrunk = false;               ///< once at least
    std::uint32_t surplus_before = 0;  ///< the event that is handled now
    bool gone = false;
    TimePoint absent_since{};
    std::uint32_t unready_losses = 0;  ///< in a row
    std::set<JobId> queued;            ///< ids rise in the order of submission
};

/// A dispatcher with everything around it pretended: templates, worker processes, their links and
/// claim words, and the clock. Carries effects out, and compares each with what is true and with
/// what was promised; throws a Violation where they differ. What happens next is the caller's
/// choice.
class FakeWorld {
public:
    FakeWorld(const core::Patience& patience, bool late_answers);

    /// Under a number that is new, or that of a pool that is gone.
    PoolId add_pool(std::uint32_t workers, std::uint32_t depth, bool reuse_number = false);
    void resize_pool(PoolId pool, std::uint32_t workers);
    void retire_pool(PoolId pool);
    /// What still waits in `from`; `to` has no jobs yet.
    void move_jobs(PoolId from, PoolId to);

    // Clients and the operator.
    JobId submit(PoolId pool, SessionId session, bool detached);
    void cancel(JobId job);
    void lose_session(SessionId session);
    void stop(Duration grace);
    void stop_now();
    /// Lets time pass; the timer fires if its time is then past.
    void advance(Duration duration);
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
    void finish(PretendWorker& worker, JobState state);
    void die(PretendWorker& worker);

    // The edge: tells the core what has happened.
    void tell_forked(PretendWorker& worker);
    void tell_next(PretendWorker& worker);
    void tell_misbehaved(PretendWorker& worker);
    /// Only when the link is read to its end.
    void tell_exit(PretendWorker& worker);
    void tell_answer(std::size_t which);
    /// Any event as it is: for stale ones.
    void tell(const core::Event& event);

    /// Compares what the core knows with what is so. `check_all` looks up each job besides.
    void check();
    void check_all();

    [[nodiscard]] TimePoint now() const { return now_; }
    [[nodiscard]] std::optional<TimePoint> armed() const { return armed_; }
    [[nodiscard]] std::map<WorkerId, PretendWorker>& workers() { return workers_; }
    [[nodiscard]] std::vector<PretendPool>& pools() { return pools_; }
    [[nodiscard]] const std::map<JobId, PretendJob>& jobs() const { return jobs_; }
    [[nodiscard]] std::size_t answers() const { return answers_.size(); }
    [[nodiscard]] bool stopping() const { return stop_asked_; }
    [[nodiscard]] bool stopped() const { return stopped_; }
    [[nodiscard]] const core::Dispatcher& dispatcher() const { return dispatcher_; }
    /// Processes that are no more.
    [[nodiscard]] const std::vector<WorkerId>& past() const { return past_; }
    [[nodiscard]] std::uint64_t submitted() const { return submitted_; }
    [[nodiscard]] std::uint64_t ended(JobState state) const
    {
        return ended_.at(static_cast<std::size_t>(state));
    }
    /// Called with every event and effect, as text.
    std::function<void(const std::string&)> trace;

private:
    void feed(const core::Event& event);
    void foresee(const core::WorkerForked& event);
    void foresee(const core::ForkFailed& event);
    void foresee(const core::WorkerReady& event);
    void foresee(const core::WorkerExited& event);
    void foresee(const core::WorkerMisbehaved& event);
    void foresee(const core::TemplateReady& event);
    void foresee(const core::TemplateLost& event);
    void foresee(const core::CancelRequested& event);
    void foresee(const core::SessionLost& event);
    void foresee(const core::JobFinished& event);
    void foresee(const core::ClaimRevoked& event);
    void foresee(const core::StopRequested& event);
    void foresee(const core::StopNow& event);
    void foresee(const core::TimerFired& event);
    void foresee(const core::PoolAdded& event);
    void foresee(const core::PoolResized& event);
    void foresee(const core::PoolRetired& event);
    void foresee(const core::TemplateSilent& event);
    void foresee(const core::JobMoved& event);
    void foresee(const core::JobSubmitted& event);
    void review();
    void bury();
    void ask_cancel(PretendJob& job);
    void carry_out(const core::StartTemplate& effect);
    void carry_out(const core::DismissTemplate& effect);
    void carry_out(const core::KillTemplate& effect);
    void carry_out(const core::PoolGone& effect);
    void carry_out(const core::ForkWorker& effect);
    void carry_out(const core::OfferJob& effect);
    void carry_out(const core::RevokeClaim& effect);
    void carry_out(const core::RaiseCancelFlag& effect);
    void carry_out(const core::DismissWorker& effect);
    void carry_out(const core::TerminateWorker& effect);
    void carry_out(const core::KillWorker& effect);
    void carry_out(const core::JobEnded& effect);
    void carry_out(const core::ArmTimer& effect);
    void carry_out(const core::Stopped& effect);

    void check_end(const core::JobEnded& effect, const PretendJob& job);
    void check_backoff(const PretendSlot& slot, const PretendWorker* last);
    void check_spread(const PretendWorker& chosen);
    void check_kill(const PretendWorker& worker);
    void check_workers();
    void check_patience(const PretendWorker& worker);
    void check_slots();
    void check_numbers();
    void check_templates();
    [[nodiscard]] bool could_take(const PretendWorker& worker) const;
    /// Processes of that pool, or asked for, that nobody has told to leave.
    [[nodiscard]] std::uint32_t staying(PoolId pool) const;
    /// So many of them have only to finish what they hold.
    [[nodiscard]] std::uint32_t surplus(PoolId pool) const
    {
        return dispatcher_.counts(pool).surplus;
    }
    [[nodiscard]] bool has_jobs(PoolId pool) const;
    /// Whether the pool's processes may go because of its last job's end.
    [[nodiscard]] bool may_dissolve(PoolId pool) const;

    PretendWorker& existing(WorkerId worker, const char* what);
    PretendWorker* find(WorkerId worker);
    PretendPool& pool_of(PoolId pool) { return pools_.at(number(pool)); }
    [[nodiscard]] const PretendPool& pool_of(PoolId pool) const { return pools_.at(number(pool)); }
    void release(PretendJob& job);

    core::Patience patience_;
    bool late_answers_;
    core::Dispatcher dispatcher_;
    TimePoint now_{};
    std::optional<TimePoint> armed_;
    std::vector<PretendPool> pools_;
    std::map<WorkerId, PretendWorker> workers_;
    std::map<SlotId, PretendSlot> slots_;
    std::vector<WorkerId> past_;
    std::map<JobId, PretendJob> jobs_;  ///< that have not ended
    std::uint64_t submitted_ = 0;
    std::deque<core::ClaimRevoked> answers_;
    core::Effects effects_;
    const core::Event* happening_ = nullptr;
    std::optional<JobId> must_end_;
    std::optional<WorkerId> must_be_killed_;
    std::array<std::uint64_t, 11> ended_{};
    bool stop_asked_ = false;
    bool grace_over_ = false;
    bool kill_asked_ = false;
    std::optional<TimePoint> grace_until_;
    bool stopped_ = false;
};

}  // namespace jobmill::sim
