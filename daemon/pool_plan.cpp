// SPDX-License-Identifier: MIT
#include "daemon/pool_plan.hpp"

#include <unistd.h>

#include <algorithm>

#include "daemon/service_manager.hpp"

namespace jobmill::daemon {

std::uint32_t workers_of(const PoolSettings& pool, std::uint32_t cores)
{
    return pool.workers.value_or(cores);
}

std::uint32_t min_workers_of(const PoolSettings& pool, std::uint32_t cores)
{
    const std::uint32_t workers = workers_of(pool, cores);
    return std::min(workers, pool.min_workers.value_or(workers));
}

PoolPlan plan_pool(const PoolSettings& pool, std::uint32_t cores, bool system,
                   const std::vector<std::string>& inherited)
{
    PoolPlan plan;
    plan.name = pool.name;
    plan.spawn = pool.start == PoolSettings::Start::spawn;
    plan.cgroup = pool.cgroup;
    if (pool.exec.value_or(!system)) {
        plan.what_to_load.emplace_back("--allow-exec");
    }
    if (pool.paths.value_or(!system)) {
        plan.what_to_load.emplace_back("--allow-paths");
    }
    for (const std::string& module : pool.modules) {
        plan.what_to_load.emplace_back("--module");
        plan.what_to_load.push_back(module);
    }
    std::map<std::string, std::string> own = pool.environment;
    const auto is_threads = [](const std::string& entry) {
        return entry.starts_with("OMP_NUM_THREADS=");
    };
    if (std::none_of(inherited.begin(), inherited.end(), is_threads)) {
        const std::uint32_t threads = std::max(1U, cores / workers_of(pool, cores));
        own.try_emplace("OMP_NUM_THREADS", std::to_string(threads));
    }
    for (const std::string& entry : inherited) {
        if (!for_daemon_alone(entry) && !own.contains(entry.substr(0, entry.find('=')))) {
            plan.environment.push_back(entry);
        }
    }
    for (const auto& [name, value] : own) {
        std::string entry = name;
        entry.append("=").append(value);
        plan.environment.push_back(std::move(entry));
    }
    return plan;
}

std::vector<std::string> own_environment()
{
    std::vector<std::string> entries;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        entries.emplace_back(*entry);
    }
    return entries;
}

std::vector<std::string> pool_names(const Config& config)
{
    std::vector<std::string> names;
    for (const PoolSettings& pool : config.pools) {
        names.push_back(pool.name);
    }
    return names;
}

}  // namespace jobmill::daemon
