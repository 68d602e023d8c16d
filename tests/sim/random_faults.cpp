// SPDX-License-Identifier: MIT
// What goes wrong: templates and workers that hang, die or are frozen, and words that come late.
#include "tests/sim/random_schedule.hpp"

namespace jobmill::sim {

using Life = PretendWorker::Life;
using Template = PretendPool::Template;

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
            return world_.tell(core::JobFinished{.worker = worker,
                                                 .sequence = sequence,
                                                 .state = JobState::succeeded,
                                                 .ran = std::chrono::milliseconds{1}});
    }
}

}  // namespace jobmill::sim
