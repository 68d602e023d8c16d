// SPDX-License-Identifier: MIT
#pragma once

#include "tests/sim/climate.hpp"

namespace jobmill::sim {

/// Chooses what happens next in a FakeWorld: everything that a seed decides. First so many random
/// events with faults, then a calm in which all must come to an end, then the stop, unless the
/// random part has already stopped the daemon.
class RandomSchedule {
public:
    /// The `life`-th world of that seed.
    RandomSchedule(std::uint64_t seed, std::uint64_t life);

    /// Throws a Violation when a promise is broken.
    void run(std::uint64_t events);

    [[nodiscard]] FakeWorld& world() { return world_; }

private:
    void step();

    // Clients.
    void step_clients();
    void submit_some();
    void go_on_within_turn();
    void submit_fairly();
    void submit(PoolId pool, bool more = false);
    [[nodiscard]] JobId any_parent();
    [[nodiscard]] BatchId any_batch();
    void cancel_some();
    void stop_or_go_on_reading();
    void suspend_user_or_let_go();
    void pause_or_let_go_on();

    // The operator and the machine.
    void step_operator();
    void reload();
    void follow(PoolId old, PoolId made);
    void adjust();
    void add_pool();

    // Faults.
    void step_faults();
    void hurt(PretendWorker& worker);
    void tell_stale();

    // What goes on by itself.
    void step_edge();
    void step_template(PretendPool& pool);
    void step_worker(PretendWorker& worker);
    void come_alive(PretendWorker& worker);
    void tell(PretendWorker& worker);
    void work(PretendWorker& worker);
    void end_job(PretendWorker& worker);
    bool heed(PretendWorker& worker);
    void lie(PretendWorker& worker);
    [[nodiscard]] bool waits_for_children(const PretendWorker& worker);
    void pass_time();

    void settle();
    void calm_down();
    void stop();

    [[nodiscard]] PretendWorker* any_worker();
    [[nodiscard]] JobId any_job();
    [[nodiscard]] PretendPool& any_pool();
    [[nodiscard]] PretendPool* open_pool();
    [[nodiscard]] PretendPool* any_heir();
    [[nodiscard]] bool nobody_lingers();

    Chance chance_;
    Climate climate_;
    FakeWorld world_;
    bool storm_ = false;
    bool calm_ = false;
};

}  // namespace jobmill::sim
