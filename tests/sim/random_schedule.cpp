// SPDX-License-Identifier: MIT
#include "tests/sim/random_schedule.hpp"

#include <algorithm>

namespace jobmill::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using Life = PretendWorker::Life;
using Template = PretendPool::Template;

namespace {

constexpr std::uint64_t calm_turns = 50'000;

}  // namespace

RandomSchedule::RandomSchedule(std::uint64_t seed, std::uint64_t life)
    : chance_(seed * 1000 + life),
      climate_(random_climate(seed, chance_)),
      world_(climate_.physics, seed)
{
    for (std::uint64_t i = 0; i < climate_.pools; ++i) {
        add_pool();
    }
    if (climate_.physics.only_fairness) {
        world_.adjust_label(LabelId{1}, core::no_bound, 50);
        world_.adjust_label(LabelId{2}, core::no_bound, 200);
    }
}

void RandomSchedule::run(std::uint64_t events)
{
    constexpr std::uint64_t between_looks = 64;
    std::uint64_t seen = 0;
    for (std::uint64_t i = 0; world_.events() < events && !world_.stopped(); ++i) {
        step();
        if (i % between_looks == 0) {
            world_.check_all();
        } else if (seen != world_.events()) {
            world_.check();
        }
        seen = world_.events();
    }
    calm_down();
    stop();
}

void RandomSchedule::step()
{
    const std::uint64_t dice = chance_.below(100);
    if (dice < 10) {
        step_clients();
    } else if (dice < 18) {
        pass_time();
    } else if (dice < 22) {
        step_faults();
    } else {
        step_edge();
    }
    step_operator();
}

// ---- faults -------------------------------------------------------------------------------------

void RandomSchedule::step_faults()
{
    if (!chance_.percent(climate_.faults)) {
        tell_stale();
        return;
    }
    PretendWorker* worker = any_worker();
    PretendPool& pool = any_pool();
    if (chance_.percent(10) && pool.state != Template::absent) {
        if (chance_.percent(50)) {
            pool.hung = true;
        } else {
            world_.template_dies(pool);
        }
    } else if (worker == nullptr) {
        world_.fire_timer();
    } else if (worker->life == Life::asked) {
        world_.fork_fails(*worker);
    } else {
        hurt(*worker);
    }
}

void RandomSchedule::hurt(PretendWorker& worker)
{
    const std::uint64_t dice = chance_.below(100);
    if (dice < 12) {
        world_.tell(core::WorkerMisbehaved{.worker = worker.id});
    } else if (dice < 30) {
        world_.tell(core::WorkerHung{.worker = worker.id});
    } else if (dice < 42) {
        world_.tell(core::WorkerWorn{.worker = worker.id});
    } else if (dice < 50) {
        worker.frozen = !worker.frozen;
    } else if (worker.life == Life::running && !worker.unkillable) {
        world_.die(worker, chance_.percent(climate_.limits));
    }
}

/// Words of processes that are no more, and answers to nothing, must change nothing: check_all()
/// would see it.
void RandomSchedule::tell_stale()
{
    PretendWorker* living = any_worker();
    if (living != nullptr && !living->held.empty() && chance_.percent(30)) {
        const PretendWorker::Offer& offer = living->held.at(chance_.below(living->held.size()));
        if (!offer.asked_back) {
            world_.tell(core::ClaimRevoked{
                .worker = living->id, .sequence = offer.sequence, .won = chance_.percent(50)});
        }
        return;
    }
    if (world_.past().empty()) {
        return;
    }
    const WorkerId worker = world_.past().at(chance_.below(world_.past().size()));
    const Sequence sequence{1 + chance_.below(4)};
    switch (chance_.below(9)) {
        case 0:
            return world_.tell(core::WorkerForked{.worker = worker});
        case 1:
            return world_.tell(core::ForkFailed{.worker = worker});
        case 2:
            return world_.tell(core::WorkerReady{.worker = worker});
        case 3:
            return world_.tell(core::WorkerExited{.worker = worker});
        case 4:
            return world_.tell(core::WorkerMisbehaved{.worker = worker});
        case 5:
            return world_.tell(core::ClaimRevoked{
                .worker = worker, .sequence = sequence, .won = chance_.percent(50)});
        case 6:
            return world_.tell(core::WorkerHung{.worker = worker});
        case 7:
            return world_.tell(core::JobDeaf{.worker = worker, .sequence = sequence});
        default:
            return world_.tell(core::JobFinished{
                .worker = worker, .sequence = sequence, .state = JobState::succeeded});
    }
}

// ---- what goes on by itself ---------------------------------------------------------------------

void RandomSchedule::step_edge()
{
    if (world_.answers() > 0 && chance_.percent(40)) {
        world_.tell_answer(chance_.below(world_.answers()));
    } else if (chance_.percent(10)) {
        step_template(any_pool());
    } else if (PretendWorker* worker = any_worker()) {
        step_worker(*worker);
    }
}

void RandomSchedule::step_template(PretendPool& pool)
{
    if (pool.state == Template::absent) {
        return;
    }
    if (pool.killed || (pool.dismissed_at && !pool.hung)) {
        world_.template_dies(pool);
    } else if (pool.hung) {
        // One that was dismissed is not asked any more: the time it may take is bounded otherwise.
        if (pool.state == Template::ready && !pool.dismissed_at && chance_.percent(50)) {
            world_.tell_silent(pool);
        }
    } else if (pool.state == Template::loading) {
        world_.template_loads(pool);
    }
}

void RandomSchedule::step_worker(PretendWorker& worker)
{
    const PretendPool& pool = world_.pool_of(worker.pool);
    if (worker.life == Life::asked) {
        if (!pool.hung && !pool.killed) {
            come_alive(worker);
        }
    } else if (!worker.forked_told && pool.state == Template::ready && chance_.percent(50)) {
        world_.tell_forked(worker);
    } else if ((worker.hello_in_link || !worker.link.empty()) && chance_.percent(60)) {
        world_.tell_next(worker);
    } else if (worker.life == Life::running) {
        work(worker);
    } else if (worker.life == Life::dead && !worker.exit_told && worker.known() &&
               !worker.hello_in_link && worker.link.empty()) {
        world_.tell_exit(worker);
    }
}

void RandomSchedule::come_alive(PretendWorker& worker)
{
    world_.fork_happens(worker);
    worker.stubborn = chance_.percent(climate_.stubborn);
    worker.mute = chance_.percent(climate_.mute);
    worker.hostile = chance_.percent(climate_.hostile);
    worker.frozen = chance_.percent(climate_.frozen);
    worker.unkillable = chance_.percent(climate_.unkillable);
}

void RandomSchedule::work(PretendWorker& worker)
{
    const bool runs = number(worker.current) != 0;
    if (heed(worker)) {
        world_.die(worker);
    } else if (worker.frozen) {
        return;
    } else if (!worker.hello_said) {
        if (!worker.mute) {
            world_.say_hello(worker);
        }
    } else if (worker.hostile && !calm_ && chance_.percent(5)) {
        lie(worker);
    } else if (!runs) {
        if (!worker.inbox.empty()) {
            world_.begin_next(worker);
        }
    } else if (storm_ && chance_.percent(98)) {
        world_.die(worker);
    } else if (worker.flagged == worker.current && worker.stubborn && chance_.percent(10)) {
        world_.tell(core::JobDeaf{.worker = worker.id, .sequence = worker.current});
    } else {
        end_job(worker);
    }
}

void RandomSchedule::end_job(PretendWorker& worker)
{
    const bool told = worker.flagged == worker.current && !worker.stubborn;
    if (told ? !chance_.percent(50) : waits_for_children(worker) || !chance_.percent(40)) {
        return;
    }
    const std::uint64_t session = number(world_.job(worker.current_job).session);
    const Duration most = climate_.physics.only_fairness
                              ? climate_.dearest * static_cast<Duration::rep>(session) / 4
                              : climate_.dearest;
    const Duration cpu = chance_.within(most);
    if (!calm_ && chance_.percent(climate_.limits)) {
        return world_.die(worker, true);
    }
    world_.finish(
        worker,
        chance_.percent(told ? 70 : climate_.failing) ? JobState::failed : JobState::succeeded,
        cpu);
}

/// A job that has submitted others waits for them, unless there are too many that do.
bool RandomSchedule::waits_for_children(const PretendWorker& worker)
{
    const PretendJob& job = world_.job(worker.current_job);
    const PretendPool& pool = world_.pool_of(worker.pool);
    return job.lends && job.worker == worker.id && job.sequence == worker.current &&
           pool.lending <= pool.terms.max_lent;
}

/// Whether it leaves now because it was told to. Even SIGKILL takes its time.
bool RandomSchedule::heed(PretendWorker& worker)
{
    if (worker.killed_at) {
        return !worker.unkillable ? chance_.percent(70) : worker.condemned && chance_.percent(5);
    }
    if (worker.stubborn || worker.frozen) {
        return false;
    }
    return (worker.terminated_at && chance_.percent(50)) ||
           (worker.dismissed_at && number(worker.current) == 0);
}

void RandomSchedule::lie(PretendWorker& worker)
{
    if (chance_.percent(50) && number(worker.current) != 0) {
        worker.current = {};  // passes over a result
        worker.current_job = {};
    } else {
        worker.link.push_back({.worker = worker.id,
                               .sequence = Sequence{1 + chance_.below(worker.offers + 2)},
                               .state = JobState::succeeded});
    }
}

void RandomSchedule::pass_time()
{
    // Nobody is impatient where nothing but fairness decides.
    const std::uint64_t dice = chance_.below(climate_.physics.only_fairness && !calm_ ? 80 : 100);
    const bool late = chance_.percent(climate_.lateness);
    if (dice < 50) {
        world_.advance(microseconds{chance_.below(2000)}, late);
    } else if (dice < 80) {
        world_.advance(milliseconds{chance_.below(60)}, late);
    } else if (world_.armed()) {
        world_.advance(std::max(Duration::zero(), *world_.armed() - world_.now()));
    } else {
        world_.fire_timer();
    }
}

// ---- the calm -----------------------------------------------------------------------------------

/// One turn without new faults: whatever can go on does.
void RandomSchedule::settle()
{
    for (std::size_t i = 0; i < 8; ++i) {
        step_edge();
        world_.check();
    }
    for (PretendPool& pool : world_.pools()) {
        step_template(pool);
    }
    pass_time();
    world_.check();
}

/// All faults stop, but for workers that cannot be killed: others must take their places. Those
/// that are frozen stay so, too, and must be found out.
void RandomSchedule::calm_down()
{
    calm_ = true;
    storm_ = false;
    climate_.stubborn = climate_.mute = climate_.hostile = climate_.frozen = climate_.unkillable =
        climate_.limits = climate_.lateness = 0;
    if (world_.memory_low()) {
        world_.judge_memory(false);
    }
    while (!world_.behind().empty()) {
        const SessionId session = *world_.behind().begin();
        if (chance_.percent(70)) {
            world_.set_behind(session, false);
        } else {
            world_.lose_session(session);
        }
    }
    for (const auto& worker : world_.workers()) {
        if (worker->hostile && worker->life == Life::running) {
            world_.die(*worker);  // what it has passed over would never end
        }
    }
    for (std::uint64_t i = 0; i < calm_turns; ++i) {
        std::vector<WorkerId> hung;
        for (const auto& each : world_.workers()) {
            PretendWorker& worker = *each;
            const PretendPool& pool = world_.pool_of(worker.pool);
            worker.stubborn = worker.mute = false;
            worker.unkillable = worker.unkillable && pool.condemned < pool.workers;
            if (worker.frozen && !worker.held.empty() && chance_.percent(1)) {
                hung.push_back(worker.id);
            }
        }
        if (world_.alive().empty() &&
            (world_.stopped() || (!world_.stopping() && nobody_lingers()))) {
            world_.check_all();
            return;
        }
        for (const WorkerId id : hung) {
            world_.tell(core::WorkerHung{.worker = id});
        }
        settle();
    }
    throw Violation("jobs, pools or spare workers do not come to an end in the calm");
}

void RandomSchedule::stop()
{
    if (!world_.stopped()) {
        const PoolId pool = open_pool()->id;
        for (std::uint64_t i = chance_.below(30); i > 0; --i) {
            submit(pool);
            step_edge();
        }
        if (chance_.percent(20)) {
            world_.stop_now();
        } else {
            world_.stop(milliseconds{chance_.percent(30) ? 0 : chance_.below(200)});
        }
        submit(pool);
    }
    calm_down();
    if (!world_.stopped() || !world_.alive().empty()) {
        throw Violation("the daemon does not come to an end");
    }
    std::uint64_t ended = 0;
    for (std::size_t i = 0; i < job_state_names.size(); ++i) {
        ended += world_.ended(static_cast<JobState>(i));
    }
    if (ended != world_.submitted()) {
        throw Violation("not every job ended once");
    }
}

// ---- choices ------------------------------------------------------------------------------------

PretendWorker* RandomSchedule::any_worker()
{
    const auto& workers = world_.workers();
    return workers.empty() ? nullptr : workers.at(chance_.below(workers.size())).get();
}

/// Half of them such as a worker holds: that is where a cancel is hard.
JobId RandomSchedule::any_job()
{
    const PretendWorker* worker = any_worker();
    if (worker != nullptr && !worker->held.empty() && chance_.percent(50)) {
        return worker->held.at(chance_.percent(50) ? 0 : chance_.below(worker->held.size())).job;
    }
    return world_.alive().at(chance_.below(world_.alive().size()));
}

PretendPool& RandomSchedule::any_pool()
{
    return world_.pools().at(chance_.below(world_.pools().size()));
}

/// One that takes jobs.
PretendPool* RandomSchedule::open_pool()
{
    std::vector<PretendPool*> open;
    for (PretendPool& pool : world_.pools()) {
        if (!pool.retired) {
            open.push_back(&pool);
        }
    }
    return open.empty() ? nullptr : open.at(chance_.below(open.size()));
}

/// No pool without use, and no worker beyond those that a pool keeps.
bool RandomSchedule::nobody_lingers()
{
    return std::all_of(world_.pools().begin(), world_.pools().end(), [](const PretendPool& pool) {
        return pool.gone || (!pool.retired && pool.muster.staying <= pool.kept());
    });
}

}  // namespace jobmill::sim
