// SPDX-License-Identifier: MIT
// What the configuration says of pools and of labels.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/job_limits.hpp"

namespace jobmill::daemon {

/// A count or a size may be jobmill::unlimited; a duration that need not be is optional.
struct PoolSettings {
    enum class Start : std::uint8_t {
        fork,   ///< from a warm template
        spawn,  ///< each worker loads for itself; for modules that start threads
    };
    /// What its templates and workers are.
    enum class Runtime : std::uint8_t {
        native,  ///< jobmill-worker
        python,  ///< a Python interpreter, which loads the same code
    };
    /// Whether each worker has a control group of its own.
    enum class Cgroup : std::uint8_t {
        automatic,  ///< where the system lets us
        off,
        require,  ///< without one the pool is down
    };

    std::string name;
    std::optional<std::uint32_t> workers;  ///< none: one for each core
    std::vector<std::string> modules;      ///< absolute paths
    std::optional<bool> exec;  ///< offer the handler `exec`; by default not in the system's daemon
    /// Let built-in handlers open files that jobs name; by default not in the system's daemon.
    std::optional<bool> paths;
    Start start = Start::fork;
    Runtime runtime = Runtime::native;
    // Of a pool that runs Python.
    std::string interpreter = "/usr/bin/python3";  ///< absolute
    std::vector<std::string> preload;              ///< names of modules
    std::string initializer;                       ///< "MODULE:FUNCTION"; empty: none
    std::map<std::string, std::string> environment;
    Cgroup cgroup = Cgroup::automatic;

    std::optional<std::uint32_t> min_workers;  ///< none: all of them, always
    /// How long one worker more than that may have nothing to do before it leaves.
    std::chrono::milliseconds idle_timeout{60'000};
    std::uint64_t max_running = unlimited;  ///< jobs at the same time
    std::uint32_t weight = 100;             ///< its share of time beside other pools

    // What a job gets that does not ask for something else.
    std::optional<std::chrono::milliseconds> timeout{3'600'000};  ///< none: unlimited
    /// From when a job might begin; none: unlimited.
    std::optional<std::chrono::milliseconds> queue_timeout{std::chrono::hours{168}};
    std::uint32_t retry_crash = 0;
    std::uint32_t retry_timeout = 0;
    std::uint32_t retry_failure = 0;
    std::chrono::milliseconds backoff{100};
    std::chrono::milliseconds backoff_max{30'000};
    JobLimits limits;

    /// How long a running job may show no sign of life; none: it need not show any.
    std::optional<std::chrono::milliseconds> hang_timeout;
    std::uint32_t poison_after = 3;  ///< crashes of one job
    // When a worker is replaced by a fresh one.
    std::uint64_t recycle_jobs = unlimited;
    std::optional<std::chrono::milliseconds> recycle_age;  ///< none: unlimited
    std::uint64_t recycle_rss = unlimited;
    /// A worker without work looks for some for so long before it sleeps.
    std::chrono::microseconds spin{0};

    friend bool operator==(const PoolSettings&, const PoolSettings&) = default;
};

/// Of all jobs of one label, in whichever pool they are.
struct LabelSettings {
    std::string name;
    std::uint64_t max_running = unlimited;
    std::uint32_t weight = 100;

    friend bool operator==(const LabelSettings&, const LabelSettings&) = default;
};

}  // namespace jobmill::daemon
