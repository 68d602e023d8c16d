// SPDX-License-Identifier: MIT
// The daemon's log: one line an event. spdlog stays behind it, since it costs seconds to include.
#pragma once

#include <string>
#include <string_view>

#include <fmt/core.h>

#include "jobmill/result.hpp"

namespace jobmill::log {

enum class Level : int { debug, info, warning, error };

/// To standard error from now on, from this level up.
void start(Level level);
[[nodiscard]] Result<Level> level_named(std::string_view name);
[[nodiscard]] std::string_view name_of(Level level) noexcept;
void set_level(Level level);
[[nodiscard]] Level level() noexcept;
[[nodiscard]] bool enabled(Level level) noexcept;
void write(Level level, std::string_view line);

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args)
{
    if (enabled(Level::debug)) {
        write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
    }
}

template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args)
{
    if (enabled(Level::info)) {
        write(Level::info, fmt::format(format, std::forward<Args>(args)...));
    }
}

template <typename... Args>
void warning(fmt::format_string<Args...> format, Args&&... args)
{
    write(Level::warning, fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args)
{
    write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace jobmill::log
