// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "daemon/worker_process.hpp"

namespace jobmill::daemon {

/// What it died of, in a few words.
[[nodiscard]] std::string death_of(const WorkerProcess& process);

/// One line of the log: a crash is worth a warning, a worker that had to leave in mid-job a note.
void log_exit(std::string_view pool, const WorkerProcess& process);

}  // namespace jobmill::daemon
