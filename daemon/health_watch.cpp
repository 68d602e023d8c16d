// SPDX-License-Identifier: MIT
#include "daemon/health_watch.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "daemon/log.hpp"
#include "daemon/process_reading.hpp"

namespace jobmill::daemon {
namespace {

using Milliseconds = std::chrono::milliseconds;

/// Memory grows over many jobs; a look costs a system call for each worker.
constexpr Milliseconds memory_period{1000};
constexpr Milliseconds shortest_period{50};

/// How often a pool's workers are to be looked at; none: not at all.
std::optional<Milliseconds> period_for(const PoolSettings& pool)
{
    std::optional<Milliseconds> period;
    if (pool.recycle_rss != unlimited) {
        period = memory_period;
    }
    if (pool.hang_timeout) {
        // So a hang is seen at most a quarter of its time late.
        period = std::min(period.value_or(*pool.hang_timeout / 4), *pool.hang_timeout / 4);
    }
    return period ? std::optional{std::max(*period, shortest_period)} : std::nullopt;
}

}  // namespace

Result<std::unique_ptr<HealthWatch>> HealthWatch::create(
    loop::EventLoop& loop, const PoolDirectory& pools, Processes& processes,
    std::function<void(const core::Event&)> post)
{
    std::unique_ptr<HealthWatch> watch{new HealthWatch{pools, processes, std::move(post)}};
    JOBMILL_TRY_ASSIGN(auto timer, loop::Timer::create(loop, [raw = watch.get()] { raw->look(); }));
    watch->timer_ = std::make_unique<loop::Timer>(std::move(timer));
    return watch;
}

void HealthWatch::pools_changed()
{
    std::optional<Milliseconds> period;
    for (const PoolId pool : pools_.all()) {
        if (const auto wanted = period_for(pools_.entry(pool).settings)) {
            period = std::min(period.value_or(*wanted), *wanted);
        }
    }
    if (period) {
        period_ = *period;
        last_look_ = loop::EventLoop::now();
        timer_->start_repeating(*period);
    } else {
        timer_->stop();
    }
}

void HealthWatch::look()
{
    const core::TimePoint now = loop::EventLoop::now();
    const core::Duration since = now - std::exchange(last_look_, now);
    if (since > 2 * period_) {
        // After a pause of the daemon: timers come first in a turn, so that what workers have said
        // meanwhile is read only after this. And workers may have stood still with it, as when
        // their control group was frozen: nobody has been silent for longer than from now on.
        watched_since_ = now;
        return;
    }
    findings_.clear();
    processes_.each_worker([&](const WorkerProcess& worker) { look_at(worker, now); });
    // Only now: an event may end a process.
    for (const core::Event& finding : findings_) {
        post_(finding);
    }
}

void HealthWatch::look_at(const WorkerProcess& worker, core::TimePoint now)
{
    const PoolSettings& pool = pools_.entry(worker.pool()).settings;
    if (pool.hang_timeout && worker.holds()) {
        const core::TimePoint beat{core::Duration{static_cast<std::int64_t>(worker.heartbeat())}};
        if (now - std::max({beat, worker.last_offer(), watched_since_}) > *pool.hang_timeout) {
            log::warning(
                "worker hangs",
                {{"pool", pool.name}, {"worker", number(worker.id().slot)}, {"pid", worker.pid()}});
            findings_.emplace_back(core::WorkerHung{worker.id()});
        }
    }
    if (pool.recycle_rss != unlimited) {
        const auto size = unshared_size(worker.pid());
        if (size && *size > pool.recycle_rss) {
            log::debug(
                "worker grown",
                {{"pool", pool.name}, {"worker", number(worker.id().slot)}, {"bytes", *size}});
            findings_.emplace_back(core::WorkerWorn{worker.id()});
        }
    }
}

}  // namespace jobmill::daemon
