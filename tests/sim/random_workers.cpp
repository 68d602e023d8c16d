// SPDX-License-Identifier: MIT
// What templates and workers do by themselves, and how the core hears of it.
#include "tests/sim/random_schedule.hpp"

namespace jobmill::sim {

using Life = PretendWorker::Life;
using Template = PretendPool::Template;

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
        tell(worker);
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

/// What it has said arrives one by one, or together.
void RandomSchedule::tell(PretendWorker& worker)
{
    if (worker.hello_in_link || chance_.percent(50)) {
        world_.tell_next(worker);
    } else {
        world_.tell_words(worker, 1 + chance_.below(worker.link.size()), chance_.percent(30));
    }
}

void RandomSchedule::work(PretendWorker& worker)
{
    const bool runs = number(worker.current) != 0;
    if (heed(worker)) {
        world_.die(worker);
        return;
    }
    if (worker.frozen) {
        return;
    }
    if (!worker.hello_said) {
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

}  // namespace jobmill::sim
