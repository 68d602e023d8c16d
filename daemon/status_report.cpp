// SPDX-License-Identifier: MIT
#include "daemon/status_report.hpp"

#include <unistd.h>

#include "common/version.hpp"

namespace jobmill::daemon {
namespace {

std::string_view name_of(PoolEntry::State state)
{
    switch (state) {
        case PoolEntry::State::starting:
            return "starting";
        case PoolEntry::State::up:
            return "up";
        case PoolEntry::State::retiring:
            return "retiring";
        case PoolEntry::State::down:
        case PoolEntry::State::gone:
            break;
    }
    return "down";
}

Value report_pool(const PoolEntry& entry, const core::PoolCounts& counts)
{
    Map status{{"name", Value{entry.name}},         {"state", Value{name_of(entry.state)}},
               {"workers", Value{counts.workers}},  {"busy", Value{counts.busy}},
               {"queued", Value{counts.queued}},    {"done", Value{counts.done}},
               {"failed", Value{counts.failed}},    {"crashed", Value{counts.crashed}},
               {"restarts", Value{counts.restarts}}};
    if (!entry.error.empty()) {
        status.emplace_back("error", Value{entry.error});
    }
    return Value{std::move(status)};
}

}  // namespace

Value report_status(StatusSources sources)
{
    Array pools;
    for (const PoolId pool : sources.pools.all()) {
        pools.push_back(report_pool(sources.pools.entry(pool), sources.core.counts(pool)));
    }
    const auto uptime =
        std::chrono::duration_cast<std::chrono::milliseconds>(sources.now - sources.started);
    return Value{Map{{"version", Value{version}},
                     {"pid", Value{static_cast<std::int64_t>(::getpid())}},
                     {"uptime_ms", Value{uptime.count()}},
                     {"socket", Value{sources.socket}},
                     {"uid", Value{static_cast<std::int64_t>(sources.user.uid)}},
                     {"user", Value{sources.user.name}},
                     {"system", Value{sources.system}},
                     {"pools", Value{std::move(pools)}},
                     {"jobs", Value{std::move(sources.jobs.first)}},
                     {"more_jobs", Value{sources.jobs.second}}}};
}

std::string summary(const PoolDirectory& pools, const OwnUser& user)
{
    const std::size_t count = pools.published().size();
    std::string text = std::to_string(count).append(count == 1 ? " pool" : " pools");
    bool first = true;
    for (const PoolId pool : pools.published()) {
        const PoolEntry& entry = pools.entry(pool);
        if (entry.state == PoolEntry::State::down) {
            text.append(first ? ", down: " : ", ").append(entry.name);
            first = false;
        }
    }
    return text.append("; jobs run as ").append(user.text());
}

}  // namespace jobmill::daemon
