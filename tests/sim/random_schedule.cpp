// SPDX-License-Identifier: MIT
#include "tests/sim/random_schedule.hpp"

#include <algorithm>

namespace jobmill::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using Life = PretendWorker::Life;
using Template = PretendPool::Template;

namespace {

constexpr std::uint64_t most_jobs = 400;
constexpr std::uint64_t calm_turns = 200'000;

}  // namespace

RandomSchedule::RandomSchedule(std::uint64_t seed)
    : random_(seed), world_(patience_for(seed), seed % 3 == 0)
{
    choose_climate();
}

core::Patience RandomSchedule::patience_for(std::uint64_t seed)
{
    core::Patience patience;
    if (seed % 7 == 0) {  // everything at once
        patience.cancel = Duration::zero();
        patience.terminate = milliseconds{1};
    }
    return patience;
}

void RandomSchedule::choose_climate()
{
    constexpr auto depths = std::to_array<std::uint64_t>({1, 1, 1, 2, 3, 4, 5, 8, 64, 256});
    constexpr auto percents = std::to_array<std::uint64_t>({0, 5, 20, 50});
    climate_.stubborn_percent = percents.at(below(percents.size()));
    climate_.mute_percent = percents.at(below(percents.size()));
    climate_.hostile_percent = percents.at(below(percents.size()));
    climate_.fault_percent = percents.at(below(percents.size()));
    climate_.cancel_percent = percents.at(below(percents.size()));
    climate_.stop_per_mille = chance(30) ? 1 : 0;
    climate_.reload_per_mille = chance(50) ? 1 + below(20) : 0;
    const std::uint64_t pools = 1 + below(2);
    for (std::uint64_t i = 0; i < pools; ++i) {
        climate_.depth = depths.at(below(depths.size()));
        add_pool();
    }
}

PoolId RandomSchedule::add_pool()
{
    return world_.add_pool(static_cast<std::uint32_t>(1 + below(6)),
                           static_cast<std::uint32_t>(climate_.depth), chance(50));
}

/// What a new configuration may ask for: other sizes, new pools, the end of old ones.
void RandomSchedule::step_reload()
{
    constexpr std::size_t most_pools = 12;
    PretendPool* pool = open_pool();
    if (pool == nullptr || world_.stopping()) {
        return;
    }
    const PoolId old = pool->id;
    const bool room = world_.pools().size() < most_pools;
    if (chance(60) || !room) {
        world_.resize_pool(old, static_cast<std::uint32_t>(1 + below(6)));
        return;
    }
    const PoolId made = add_pool();
    if (chance(70)) {
        if (chance(70)) {
            world_.move_jobs(old, made);
        }
        world_.retire_pool(old);
    }
}

void RandomSchedule::run(std::uint64_t events)
{
    for (std::uint64_t i = 0; i < events && !(world_.stopped() && chance(5)); ++i) {
        step();
        i % 8 == 0 ? world_.check_all() : world_.check();
    }
    calm_down();
    stop();
}

void RandomSchedule::step()
{
    const std::uint64_t dice = below(100);
    if (dice < 12) {
        step_clients();
    } else if (dice < 22) {
        pass_time();
    } else if (dice < 28) {
        step_faults();
    } else {
        step_edge();
    }
    if (below(1000) < climate_.reload_per_mille) {
        step_reload();
    }
    if (below(1000) < climate_.stop_per_mille && !world_.stopped()) {
        if (chance(20)) {
            world_.stop_now();
        } else {
            world_.stop(chance(30) ? Duration::zero() : Duration{milliseconds{below(3000)}});
        }
    }
}

void RandomSchedule::step_clients()
{
    const SessionId session{1 + below(5)};
    if (chance(climate_.cancel_percent) && !world_.jobs().empty()) {
        const JobId id = any_job();
        world_.cancel(id);
        if (chance(20)) {
            world_.cancel(id);
        }
    } else if (chance(climate_.cancel_percent) && chance(20)) {
        world_.lose_session(session);
    } else if (world_.jobs().size() < most_jobs) {
        const PoolId pool = open_pool()->id;
        const std::uint64_t burst = chance(10) ? 1 + below(100) : 1 + below(4);
        for (std::uint64_t i = 0; i < burst; ++i) {
            world_.submit(pool, session, chance(30));
        }
    }
}

void RandomSchedule::step_faults()
{
    if (!chance(climate_.fault_percent)) {
        tell_stale();
        return;
    }
    PretendWorker* worker = any_worker();
    PretendPool& pool = any_pool();
    if (chance(15) && pool.state != Template::absent) {
        if (chance(50)) {
            pool.hung = true;
        } else {
            world_.template_dies(pool);
        }
    } else if (worker == nullptr) {
        world_.fire_timer();
    } else if (worker->life == Life::asked) {
        world_.fork_fails(*worker);
    } else if (chance(20) && !worker->exit_told) {
        world_.tell_misbehaved(*worker);
    } else if (worker->life == Life::running) {
        world_.die(*worker);
    }
}

/// Words of processes that are no more must change nothing: check_all() would see it.
void RandomSchedule::tell_stale()
{
    if (world_.past().empty()) {
        return;
    }
    const WorkerId worker = world_.past().at(below(world_.past().size()));
    const Sequence sequence{1 + below(4)};
    switch (below(7)) {
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
            return world_.tell(
                core::ClaimRevoked{.worker = worker, .sequence = sequence, .won = chance(50)});
        default:
            return world_.tell(core::JobFinished{
                .worker = worker, .sequence = sequence, .state = JobState::succeeded});
    }
}

void RandomSchedule::step_edge()
{
    if (world_.answers() > 0 && chance(40)) {
        world_.tell_answer(below(world_.answers()));
    } else if (chance(10)) {
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
        if (pool.state == Template::ready && !pool.dismissed_at && chance(50)) {
            world_.tell_silent(pool);
        }
    } else if (pool.state == Template::loading) {
        world_.template_loads(pool);
    }
}

void RandomSchedule::step_worker(PretendWorker& worker)
{
    const bool forked_in_pipe =
        worker.life != Life::asked && !worker.forked_told && any_pool().state == Template::ready;
    if (worker.life == Life::asked) {
        const PretendPool& pool = world_.pools().at(number(worker.pool));
        if (pool.hung || pool.killed) {
            return;
        }
        world_.fork_happens(worker);
        worker.stubborn = !calm_ && chance(climate_.stubborn_percent);
        worker.mute = !calm_ && chance(climate_.mute_percent);
        worker.hostile = !calm_ && chance(climate_.hostile_percent);
    } else if (forked_in_pipe && world_.pools().at(number(worker.pool)).state == Template::ready &&
               chance(50)) {
        world_.tell_forked(worker);
    } else if ((worker.hello_in_link || !worker.link.empty()) && chance(50)) {
        world_.tell_next(worker);
    } else if (worker.life == Life::running) {
        work(worker);
    } else if (worker.life == Life::dead && !worker.exit_told && worker.known() &&
               !worker.hello_in_link && worker.link.empty()) {
        world_.tell_exit(worker);
    }
}

void RandomSchedule::work(PretendWorker& worker)
{
    if (heed(worker)) {
        world_.die(worker);
    } else if (!worker.hello_said) {
        if (!worker.mute) {
            world_.say_hello(worker);
        }
    } else if (worker.hostile && chance(5)) {
        lie(worker);
    } else if (number(worker.current) == 0) {
        if (!worker.inbox.empty()) {
            world_.begin_next(worker);
        }
    } else if (worker.flagged == worker.current && !worker.stubborn && chance(50)) {
        world_.finish(worker, chance(30) ? JobState::succeeded : JobState::failed);
    } else if (chance(40)) {
        world_.finish(worker, chance(80) ? JobState::succeeded : JobState::failed);
    }
}

/// Whether it leaves now because it was told to. Even SIGKILL takes its time.
bool RandomSchedule::heed(PretendWorker& worker)
{
    if (worker.killed_at) {
        return chance(70);
    }
    if (worker.stubborn && !calm_) {
        return false;
    }
    return (worker.terminated_at && chance(50)) ||
           (worker.dismissed_at && number(worker.current) == 0);
}

void RandomSchedule::lie(PretendWorker& worker)
{
    if (chance(50) && number(worker.current) != 0) {
        worker.current = {};  // passes over a result
    } else {
        worker.link.push_back({.worker = worker.id,
                               .sequence = Sequence{1 + below(worker.offers + 2)},
                               .state = JobState::succeeded});
    }
}

void RandomSchedule::pass_time()
{
    const std::uint64_t dice = below(100);
    if (dice < 50) {
        world_.advance(microseconds{below(2000)});
    } else if (dice < 80) {
        world_.advance(milliseconds{below(60)});
    } else if (world_.armed()) {
        world_.advance(std::max(Duration::zero(), *world_.armed() - world_.now()));
    } else {
        world_.fire_timer();
    }
}

/// One turn without new faults: whatever can go on does.
void RandomSchedule::settle()
{
    for (std::size_t i = 0; i < 8; ++i) {
        step_edge();
    }
    for (PretendPool& pool : world_.pools()) {
        step_template(pool);
    }
    pass_time();
    world_.check_all();
}

void RandomSchedule::calm_down()
{
    calm_ = true;
    climate_ = {};
    for (std::uint64_t i = 0; i < calm_turns; ++i) {
        if (world_.jobs().empty() &&
            (world_.stopped() || (!world_.stopping() && no_retired_pool_lingers()))) {
            return;
        }
        settle();
    }
    throw Violation("jobs do not come to an end in the calm");
}

void RandomSchedule::stop()
{
    if (!world_.stopped()) {
        const PoolId pool = open_pool()->id;
        for (std::uint64_t i = below(30); i > 0; --i) {
            world_.submit(pool, SessionId{1}, true);
            step_edge();
        }
        chance(20) ? world_.stop_now() : world_.stop(milliseconds{chance(30) ? 0 : below(200)});
        world_.submit(pool, SessionId{1}, true);
    }
    calm_down();
    if (!world_.stopped() || !world_.jobs().empty()) {
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

std::uint64_t RandomSchedule::below(std::uint64_t end)
{
    return random_() % end;
}

PretendWorker* RandomSchedule::any_worker()
{
    if (world_.workers().empty()) {
        return nullptr;
    }
    auto worker = world_.workers().begin();
    std::advance(worker, below(world_.workers().size()));
    return &worker->second;
}

/// Half of them such as a worker holds: that is where a cancel is hard.
JobId RandomSchedule::any_job()
{
    const PretendWorker* worker = any_worker();
    if (worker != nullptr && !worker->held.empty() && chance(50)) {
        return worker->held.at(chance(50) ? 0 : below(worker->held.size())).job;
    }
    auto job = world_.jobs().begin();
    std::advance(job, below(world_.jobs().size()));
    return job->first;
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
    return open.empty() ? nullptr : open.at(below(open.size()));
}

bool RandomSchedule::no_retired_pool_lingers()
{
    return std::all_of(world_.pools().begin(), world_.pools().end(),
                       [](const PretendPool& pool) { return !pool.retired || pool.gone; });
}

PretendPool& RandomSchedule::any_pool()
{
    return world_.pools().at(below(world_.pools().size()));
}

}  // namespace jobmill::sim
