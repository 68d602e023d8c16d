// SPDX-License-Identifier: MIT
// How a process becomes a command: a child that borrows the worker's memory until it has executed
// its program, as posix_spawn's does, and that takes its limits and its place before it does.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace jobmill::handlers {

struct CommandLimit {
    __rlimit_resource resource{};
    rlimit limit{};  ///< cut to the hard limit that there is
};

struct Launch {
    const char* program = nullptr;
    char* const* argv = nullptr;
    char* const* environment = nullptr;
    int directory = -1;
    std::optional<mode_t> mask;     ///< none: the worker's own
    std::array<int, 3> standard{};  ///< what becomes descriptors 0, 1 and 2; each above 2
    std::span<const CommandLimit> limits;
    std::uint64_t cpus = 0;
    int nice = 0;
};

struct Launched {
    pid_t pid = 0;
    const char* failed = nullptr;  ///< what could not be done; null: all was done
    int error_number = 0;
};

/// Starts it in a process group of its own, with default signals and no other descriptors.
[[nodiscard]] Launched launch(const Launch& what);

}  // namespace jobmill::handlers
