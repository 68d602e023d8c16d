// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>

#include "daemon/core/dispatcher.hpp"
#include "daemon/job_desk.hpp"
#include "daemon/memory_watch.hpp"
#include "daemon/pool_directory.hpp"
#include "daemon/rights.hpp"
#include "jobmill/value.hpp"

namespace jobmill::daemon {

/// What a status reply is made of.
struct StatusSources {
    core::TimePoint started;
    core::TimePoint now;
    const std::string& socket;
    const OwnUser& user;
    bool system;
    const PoolDirectory& pools;
    const core::Dispatcher& core;
    std::pair<Array, std::size_t> jobs;  ///< the list, and how many are not on it
    const JobDesk& desk;
    const Identity& client;
    const MemoryWatch::State& memory;
};

/// The body of a status reply (PROTOCOL.md, "status").
[[nodiscard]] Value report_status(StatusSources sources);

/// The same in half a line, for the service manager: "2 pools, down: gpu; jobs
/// run as anna (uid 1000)".
[[nodiscard]] std::string summary(const PoolDirectory& pools, const OwnUser& user);

}  // namespace jobmill::daemon
