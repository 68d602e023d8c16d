// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

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

/// The command line, or the exit code when everything is said (help, version, misuse).
[[nodiscard]] std::variant<Options, int> parse_options(int argc, const char* const* argv);

}  // namespace jobmill::daemon
