// SPDX-License-Identifier: MIT
#include "tests/sim/climate.hpp"

namespace jobmill::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

core::Patience random_patience(Chance& chance)
{
    core::Patience patience;
    if (chance.percent(14)) {  // everything at once
        patience.cancel = Duration::zero();
        patience.terminate = milliseconds{1};
    }
    if (chance.percent(50)) {
        patience.ahead = core::forever;
    } else if (chance.percent(70)) {
        patience.ahead = chance.within(milliseconds{20});
        patience.overrun = chance.within(milliseconds{20});
    }
    if (chance.percent(50)) {
        patience.most_ahead_of_one = chance.within(milliseconds{50});
        patience.undisturbed = chance.within(milliseconds{10});
        patience.gather = chance.within(milliseconds{20});
    }
    if (chance.percent(50)) {
        patience.wake = chance.within(milliseconds{5});
        patience.late = chance.within(milliseconds{1});
    }
    if (chance.percent(40)) {
        patience.ends_at_once = static_cast<std::uint32_t>(1 + chance.below(5));
    }
    if (chance.percent(50)) {  // what is rare otherwise
        patience.claim = chance.within(milliseconds{300});
        patience.reap = chance.within(milliseconds{300});
        patience.probe = chance.within(milliseconds{300});
        patience.storm = chance.within(seconds{2});
        patience.terminate = chance.within(milliseconds{100});
        patience.dismiss = chance.within(milliseconds{100});
    }
    return patience;
}

}  // namespace

Climate random_climate(std::uint64_t seed, Chance& chance)
{
    constexpr auto often = std::to_array<std::uint64_t>({0, 0, 5, 20, 50});
    constexpr auto rarely = std::to_array<std::uint64_t>({0, 0, 0, 2, 5, 20});
    Climate climate;
    climate.seed = seed;
    climate.dearest = chance.percent(50) ? microseconds{300} : milliseconds{50};
    if (chance.percent(12)) {
        climate.physics.only_fairness = true;
        climate.labels = chance.one_of(often);
        climate.physics.patience.claim = std::chrono::hours{24};
        climate.behind = chance.percent(50) ? 1 + chance.below(3) : 0;
        return climate;
    }
    climate.physics.patience = random_patience(chance);
    climate.physics.late_answers = chance.percent(40);
    climate.pools = 1 + chance.below(2);
    climate.most_jobs = chance.percent(70) ? 60 : 400;
    for (std::uint64_t* part :
         {&climate.priorities, &climate.labels, &climate.batches, &climate.delays,
          &climate.deadlines, &climate.timeouts, &climate.retries, &climate.failing,
          &climate.elastic, &climate.recycling, &climate.capped, &climate.faults,
          &climate.cancels}) {
        *part = chance.one_of(often);
    }
    for (std::uint64_t* part :
         {&climate.stubborn, &climate.mute, &climate.hostile, &climate.frozen, &climate.unkillable,
          &climate.nested, &climate.spoiling, &climate.limits, &climate.lateness}) {
        *part = chance.one_of(rarely);
    }
    climate.alone = climate.physics.patience.ahead == core::forever ? 0 : chance.one_of(rarely);
    climate.stops = chance.percent(30) ? 1 : 0;
    climate.reloads = chance.percent(50) ? 1 + chance.below(20) : 0;
    climate.adjustments = chance.percent(50) ? 1 + chance.below(20) : 0;
    climate.memory = chance.percent(30) ? 1 + chance.below(10) : 0;
    climate.behind = chance.percent(40) ? 1 + chance.below(10) : 0;
    climate.suspends = chance.percent(40) ? 1 + chance.below(10) : 0;
    climate.storms = chance.percent(35) ? 1 + chance.below(5) : 0;
    return climate;
}

core::PoolAdded random_pool(const Climate& climate, Chance& chance)
{
    constexpr auto depths = std::to_array<std::uint32_t>({1, 1, 2, 3, 4, 5, 8, 64, 256, 256});
    constexpr auto shallow = std::to_array<std::uint32_t>({1, 2, 4});
    return {.workers = static_cast<std::uint32_t>(1 + chance.below(6)),
            .depth = climate.physics.only_fairness ? chance.one_of(shallow) : chance.one_of(depths),
            .terms = random_pool_terms(climate, chance)};
}

core::PoolTerms random_pool_terms(const Climate& climate, Chance& chance)
{
    core::PoolTerms terms;
    if (chance.percent(climate.elastic)) {
        terms.min_workers = static_cast<std::uint32_t>(chance.below(4));
        terms.idle_timeout = chance.within(seconds{1});
    }
    if (chance.percent(climate.capped)) {
        terms.max_running = static_cast<std::uint32_t>(1 + chance.below(6));
    }
    if (chance.percent(climate.recycling)) {
        terms.recycle_jobs = static_cast<std::uint32_t>(1 + chance.below(20));
        terms.recycle_age = chance.percent(50) ? core::forever : chance.within(seconds{2});
    }
    if (!climate.physics.only_fairness) {
        terms.poison_after = static_cast<std::uint32_t>(1 + chance.below(4));
        terms.max_lent = static_cast<std::uint32_t>(chance.percent(30) ? chance.below(4) : 64);
    }
    return terms;
}

core::JobTerms random_job_terms(const Climate& climate, Chance& chance)
{
    constexpr auto priorities = std::to_array<std::int8_t>({-100, -3, -1, 1, 2, 100});
    core::JobTerms terms;
    if (chance.percent(climate.priorities)) {
        terms.priority = chance.one_of(priorities);
    }
    terms.spoils_worker = chance.percent(climate.spoiling);
    terms.alone = chance.percent(climate.alone);
    if (chance.percent(climate.delays)) {
        terms.delay = chance.within(milliseconds{200});
    }
    if (chance.percent(climate.deadlines)) {
        terms.queue_timeout = chance.within(milliseconds{500});
    }
    if (chance.percent(climate.timeouts)) {
        terms.run_timeout = chance.within(milliseconds{500});
    }
    if (chance.percent(climate.retries)) {
        terms.retry_crash = static_cast<std::uint16_t>(chance.below(5));
        terms.retry_timeout = static_cast<std::uint16_t>(chance.below(3));
        terms.retry_failure = static_cast<std::uint16_t>(chance.below(3));
        terms.backoff = chance.within(milliseconds{50});
        terms.longest_backoff = chance.within(milliseconds{200});
    }
    return terms;
}

}  // namespace jobmill::sim
