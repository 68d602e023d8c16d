// SPDX-License-Identifier: MIT
#include "tests/sim/random_schedule.hpp"

#include <algorithm>

namespace jobmill::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using Life = PretendWorker::Life;

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
    while (!world_.suspended_users().empty()) {
        world_.suspend_user(*world_.suspended_users().begin(), false);
    }
    for (const PretendPool& pool : world_.pools()) {
        if (pool.suspended && !pool.gone) {
            world_.suspend_pool(pool.id, false);
        }
    }
    while (!world_.paused().empty()) {
        world_.pause(*world_.paused().begin(), false);
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
