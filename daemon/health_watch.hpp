// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>

#include "daemon/core/event.hpp"
#include "daemon/loop/timer.hpp"
#include "daemon/pool_directory.hpp"
#include "daemon/processes.hpp"

namespace jobmill::daemon {

/// Looks at workers whose pools want it, now and then: whether a job still shows signs of life, and
/// how much memory a worker has come to take. What that means is the core's affair.
class HealthWatch {
public:
    [[nodiscard]] static Result<std::unique_ptr<HealthWatch>> create(
        loop::EventLoop& loop, const PoolDirectory& pools, Processes& processes,
        std::function<void(const core::Event&)> post);

    /// The pools are others, or work by other settings.
    void pools_changed();

private:
    HealthWatch(const PoolDirectory& pools, Processes& processes,
                std::function<void(const core::Event&)> post)
        : pools_(pools), processes_(processes), post_(std::move(post))
    {
    }
    void look();
    void look_at(const WorkerProcess& worker, core::TimePoint now);

    const PoolDirectory& pools_;
    Processes& processes_;
    std::function<void(const core::Event&)> post_;
    std::unique_ptr<loop::Timer> timer_;
    std::chrono::milliseconds period_{0};
    core::TimePoint last_look_;
    core::TimePoint watched_since_;  ///< without a pause
    std::vector<core::Event> findings_;
};

}  // namespace jobmill::daemon
