// SPDX-License-Identifier: MIT
// What the configuration says of pools.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace jobmill::daemon {

struct PoolSettings {
    enum class Start : std::uint8_t {
        fork,   ///< from a warm template
        spawn,  ///< each worker loads for itself; for modules that start threads
    };

    std::string name;
    std::optional<std::uint32_t> workers;  ///< none: one for each core
    std::vector<std::string> modules;      ///< absolute paths
    std::optional<bool> exec;  ///< offer the handler `exec`; by default not in the system's daemon
    /// Let built-in handlers open files that jobs name; by default not in the system's daemon.
    std::optional<bool> paths;
    Start start = Start::fork;
    std::map<std::string, std::string> environment;

    friend bool operator==(const PoolSettings&, const PoolSettings&) = default;
};

}  // namespace jobmill::daemon
