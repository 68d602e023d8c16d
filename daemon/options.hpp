// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "jobmill/result.hpp"

namespace jobmill::daemon {

struct Options {
    std::optional<std::string> config;
    std::optional<std::string> socket;
    std::optional<std::string> state_dir;
    std::optional<std::string> log_level;
    std::optional<std::string> log_format;
    std::optional<std::string> idle_timeout;
    std::optional<std::uint32_t> workers;  ///< of every pool
    bool check_config = false;
    bool allow_root = false;
    bool system = false;  ///< the system's daemon: its places, and no commands
};

/// It must be absolute.
[[nodiscard]] Result<void> judge_state_dir(const std::string& path);

/// On standard output; answers the exit code.
[[nodiscard]] int say(const std::string& text);

/// The command line, or the exit code when everything is said (help, version, misuse).
[[nodiscard]] std::variant<Options, int> parse_options(int argc, const char* const* argv);

}  // namespace jobmill::daemon
