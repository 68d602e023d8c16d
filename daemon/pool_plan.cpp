// SPDX-License-Identifier: MIT
#include "daemon/pool_plan.hpp"

#include <unistd.h>

#include <algorithm>
#include <map>

#include "daemon/service_manager.hpp"

namespace jobmill::daemon {
namespace {

std::vector<std::string> python_command(const PoolSettings& pool, const PythonFiles& python)
{
    std::vector<std::string> command{pool.interpreter, python.bootstrap, python.library, "--pool",
                                     pool.name};
    for (const std::string& module : pool.preload) {
        command.emplace_back("--preload");
        command.push_back(module);
    }
    if (!pool.initializer.empty()) {
        command.emplace_back("--initializer");
        command.push_back(pool.initializer);
    }
    command.emplace_back("--");
    return command;
}

/// What the pool's processes have of their own in their environment.
std::map<std::string, std::string> own_variables(const PoolSettings& pool, std::uint32_t cores,
                                                 const std::vector<std::string>& inherited)
{
    std::map<std::string, std::string> own = pool.environment;
    if (pool.runtime == PoolSettings::Runtime::python) {
        for (const char* const name :
             {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"}) {
            own.try_emplace(name, "1");
        }
        return own;
    }
    const auto is_threads = [](const std::string& entry) {
        return entry.starts_with("OMP_NUM_THREADS=");
    };
    if (std::none_of(inherited.begin(), inherited.end(), is_threads)) {
        const std::uint32_t threads = std::max(1U, cores / workers_of(pool, cores));
        own.try_emplace("OMP_NUM_THREADS", std::to_string(threads));
    }
    return own;
}

}  // namespace

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
                   const std::vector<std::string>& inherited, const PythonFiles& python)
{
    PoolPlan plan;
    plan.name = pool.name;
    plan.spawn = pool.start == PoolSettings::Start::spawn;
    plan.cgroup = pool.cgroup;
    if (pool.runtime == PoolSettings::Runtime::python) {
        plan.command = python_command(pool, python);
        plan.files = {python.library, python.bootstrap};
    }
    if (pool.exec.value_or(!system)) {
        plan.what_to_load.emplace_back("--allow-exec");
    }
    if (pool.paths.value_or(!system)) {
        plan.what_to_load.emplace_back("--allow-paths");
    }
    if (pool.spin > std::chrono::microseconds{0}) {
        plan.what_to_load.emplace_back("--spin-us");
        plan.what_to_load.push_back(std::to_string(pool.spin.count()));
    }
    for (const std::string& module : pool.modules) {
        plan.what_to_load.emplace_back("--module");
        plan.what_to_load.push_back(module);
    }
    const auto own = own_variables(pool, cores, inherited);
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
