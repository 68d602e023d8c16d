// SPDX-License-Identifier: MIT
#pragma once

#include <random>

#include "tests/support/fake_world.hpp"

namespace jobmill::sim {

/// All chance of one seed.
class Chance {
public:
    explicit Chance(std::uint64_t seed) : random_(seed) {}

    [[nodiscard]] std::uint64_t below(std::uint64_t end) { return random_() % end; }
    [[nodiscard]] bool percent(std::uint64_t part) { return below(100) < part; }
    [[nodiscard]] bool per_mille(std::uint64_t part) { return below(1000) < part; }
    template <typename Value, std::size_t count>
    [[nodiscard]] Value one_of(const std::array<Value, count>& values)
    {
        return values.at(below(count));
    }
    /// More than nothing, and less than that.
    [[nodiscard]] Duration within(Duration most)
    {
        return Duration{
            1 + static_cast<Duration::rep>(below(static_cast<std::uint64_t>(most.count())))};
    }

private:
    std::mt19937_64 random_;
};

/// What kind of world a seed is: how much of each kind of trouble there is in it. Much of it is
/// nothing in any one world, so that each kind is met alone and with every other.
struct Climate {
    Physics physics;
    std::uint64_t seed = 0;
    std::uint64_t pools = 1;
    std::uint64_t most_jobs = 400;
    Duration dearest{};  ///< what a job takes at most

    // Workers, in percent of them.
    std::uint64_t stubborn = 0;
    std::uint64_t mute = 0;
    std::uint64_t hostile = 0;
    std::uint64_t frozen = 0;
    std::uint64_t unkillable = 0;

    // Jobs, in percent of them.
    std::uint64_t priorities = 0;
    std::uint64_t labels = 0;
    std::uint64_t batches = 0;
    std::uint64_t nested = 0;
    std::uint64_t delays = 0;
    std::uint64_t deadlines = 0;
    std::uint64_t timeouts = 0;
    std::uint64_t retries = 0;
    std::uint64_t spoiling = 0;
    std::uint64_t failing = 20;
    std::uint64_t limits = 0;

    // Pools, in percent of them.
    std::uint64_t elastic = 0;
    std::uint64_t recycling = 0;
    std::uint64_t capped = 0;

    // Events, in percent of the steps of their kind.
    std::uint64_t faults = 0;
    std::uint64_t cancels = 0;
    std::uint64_t lateness = 0;  ///< of the timer

    // Events, per mille of all steps.
    std::uint64_t stops = 0;
    std::uint64_t reloads = 0;
    std::uint64_t adjustments = 0;
    std::uint64_t memory = 0;
    std::uint64_t behind = 0;    ///< clients that stop reading
    std::uint64_t alone = 0;     ///< jobs that tolerate no other beside them
    std::uint64_t suspends = 0;  ///< users whose jobs are not to begin
    std::uint64_t storms = 0;
};

[[nodiscard]] Climate random_climate(std::uint64_t seed, Chance& chance);
[[nodiscard]] core::PoolAdded random_pool(const Climate& climate, Chance& chance);
[[nodiscard]] core::PoolTerms random_pool_terms(const Climate& climate, Chance& chance);
[[nodiscard]] core::JobTerms random_job_terms(const Climate& climate, Chance& chance);

}  // namespace jobmill::sim
