// SPDX-License-Identifier: MIT
// From a pool's settings to how its processes are started.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/config.hpp"
#include "daemon/processes.hpp"

namespace jobmill::daemon {

[[nodiscard]] std::uint32_t workers_of(const PoolSettings& pool, std::uint32_t cores);
/// Those that are always there; never more than all.
[[nodiscard]] std::uint32_t min_workers_of(const PoolSettings& pool, std::uint32_t cores);

/// Where the parts of a Python pool are that are ours.
struct PythonFiles {
    std::string library;    ///< jobmill-runtime.so
    std::string bootstrap;  ///< the script that the interpreter runs
};

/// `inherited` is the daemon's environment. OMP_NUM_THREADS defaults to cores ÷ workers, so that
/// numeric libraries do not start a thread for each core in each worker. Those of a Python pool
/// start none at all unless its own environment says so: a template with threads cannot be forked.
[[nodiscard]] PoolPlan plan_pool(const PoolSettings& pool, std::uint32_t cores, bool system,
                                 const std::vector<std::string>& inherited,
                                 const PythonFiles& python = {});

/// This process's, as NAME=VALUE.
[[nodiscard]] std::vector<std::string> own_environment();
[[nodiscard]] std::vector<std::string> pool_names(const Config& config);

}  // namespace jobmill::daemon
