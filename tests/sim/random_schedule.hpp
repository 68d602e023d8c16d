// SPDX-License-Identifier: MIT
#pragma once

#include <random>

#include "tests/support/fake_world.hpp"

namespace jobmill::sim {

/// Chooses what happens next in a FakeWorld: everything that a seed decides. First so many random
/// events with faults, then a calm in which all must come to an end, then the stop, unless the
/// random part has already stopped the daemon.
class RandomSchedule {
public:
    explicit RandomSchedule(std::uint64_t seed);

    /// Throws a Violation when a promise is broken.
    void run(std::uint64_t events);

    [[nodiscard]] FakeWorld& world() { return world_; }

private:
    /// What kind of world this seed is.
    struct Climate {
        std::uint64_t depth = 1;
        bool late_answers = false;
        std::uint64_t stubborn_percent = 0;
        std::uint64_t mute_percent = 0;
        std::uint64_t hostile_percent = 0;
        std::uint64_t fault_percent = 0;
        std::uint64_t cancel_percent = 0;
        std::uint64_t stop_per_mille = 0;
        std::uint64_t reload_per_mille = 0;
    };

    [[nodiscard]] static core::Patience patience_for(std::uint64_t seed);
    void choose_climate();
    void step();
    void step_clients();
    void step_faults();
    void step_reload();
    PoolId add_pool();
    void step_edge();
    void step_template(PretendPool& pool);
    void step_worker(PretendWorker& worker);
    void work(PretendWorker& worker);
    bool heed(PretendWorker& worker);
    void lie(PretendWorker& worker);
    void tell_stale();
    void pass_time();
    void settle();
    void calm_down();
    void stop();

    [[nodiscard]] std::uint64_t below(std::uint64_t end);
    [[nodiscard]] bool chance(std::uint64_t percent) { return below(100) < percent; }
    [[nodiscard]] PretendWorker* any_worker();
    [[nodiscard]] JobId any_job();
    [[nodiscard]] PretendPool& any_pool();
    [[nodiscard]] PretendPool* open_pool();
    [[nodiscard]] bool no_retired_pool_lingers();

    std::mt19937_64 random_;
    Climate climate_;
    FakeWorld world_;
    bool calm_ = false;
};

}  // namespace jobmill::sim
