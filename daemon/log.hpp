// SPDX-License-Identifier: MIT
// The daemon's log: one line an event, with fields. Only the loop's thread writes it; a line never
// makes that thread wait. spdlog stays behind it, since it costs seconds to include.
#pragma once

#include <string_view>

#include "daemon/log_fields.hpp"
#include "jobmill/result.hpp"

namespace jobmill::log {

enum class Level : int { debug, info, warning, error };

enum class Format {
    automatic,  ///< the journal's when standard error is the journal, else text
    text,
    json,
    journal,
};

/// What becomes of an event that comes too often.
enum class Rate {
    limited,    ///< after a burst most are left out, and counted
    unlimited,  ///< always said
};

/// For what belongs to starting and stopping.
inline constexpr Rate always = Rate::unlimited;

/// To standard error, or the journal, from now on, from this level up.
[[nodiscard]] Result<void> start(Level level, Format format);
/// Says what is still to be said about events that were left out.
void finish();
[[nodiscard]] Result<Level> level_named(std::string_view name);
[[nodiscard]] std::string_view name_of(Level level) noexcept;
[[nodiscard]] Result<Format> format_named(std::string_view name);

void set_level(Level level) noexcept;
[[nodiscard]] Level level() noexcept;

namespace detail {
extern Level threshold;
}

[[nodiscard]] inline bool enabled(Level level) noexcept
{
    return level >= detail::threshold;
}

/// Whatever the level.
[[gnu::cold]] void write(Level level, EventName event, Fields fields, Rate rate);

inline void debug(EventName event, Fields fields)
{
    if (enabled(Level::debug)) {
        write(Level::debug, event, fields, Rate::unlimited);
    }
}

inline void info(EventName event, Fields fields, Rate rate = Rate::limited)
{
    if (enabled(Level::info)) {
        write(Level::info, event, fields, rate);
    }
}

inline void warning(EventName event, Fields fields, Rate rate = Rate::limited)
{
    if (enabled(Level::warning)) {
        write(Level::warning, event, fields, rate);
    }
}

inline void error(EventName event, Fields fields, Rate rate = Rate::limited)
{
    write(Level::error, event, fields, rate);
}

}  // namespace jobmill::log
