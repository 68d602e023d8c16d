// SPDX-License-Identifier: MIT
// The command line of jobmill-worker, which the daemon writes and nobody else.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "jobmill/ids.hpp"
#include "jobmill/result.hpp"

namespace jobmill {

/// Which handlers to load.
struct LoadOptions {
    std::optional<std::vector<std::string>> builtins;  ///< none: all of them
    bool allow_exec = false;
    bool allow_paths = false;          ///< handlers may open files that jobs name
    std::vector<std::string> modules;  ///< paths
};

struct WorkerOptions {
    enum class Mode { fork_template, worker, help, version };

    Mode mode = Mode::help;
    pid_t daemon_pid = 0;
    WorkerId worker;             ///< for Mode::worker
    bool allow_threads = false;  ///< a template whose pool spawns: it only tells what there is
    std::uint32_t spin_us = 0;   ///< it looks for work for so long before it sleeps
    /// Commands may open so many descriptors, unless their jobs say otherwise; 0: as many as this.
    std::uint64_t command_descriptors = 0;
    std::string socket;  ///< the daemon's, for jobs; empty: not told
    LoadOptions load;
};

/// Judges the arguments after the program's name.
[[nodiscard]] Result<WorkerOptions> parse_options(std::span<const char* const> arguments);

[[nodiscard]] const char* usage() noexcept;

}  // namespace jobmill
