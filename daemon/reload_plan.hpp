// SPDX-License-Identifier: MIT
// What has to change for the daemon to run by another configuration. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "daemon/config.hpp"

namespace jobmill::daemon {

struct PoolChange {
    enum class What : std::uint8_t {
        keep,
        adjust,  ///< it works on by other numbers
        add,
        replace,  ///< a new pool takes over its name and what still waits in it
    };
    What what = What::keep;
    PoolSettings settings;
};

struct ReloadPlan {
    std::vector<PoolChange> pools;     ///< in the new order
    std::vector<std::string> removed;  ///< names of pools that take no more jobs
    std::vector<std::string> changes;  ///< for people, one each
};

/// `has_aged` says of a pool that stays as it was whether it has to be replaced all the same: its
/// modules have changed on disk, or it is down.
[[nodiscard]] ReloadPlan plan_reload(const Config& now, const Config& wanted, std::uint32_t cores,
                                     const std::function<bool(const std::string& pool)>& has_aged);

}  // namespace jobmill::daemon
