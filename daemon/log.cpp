// SPDX-License-Identifier: MIT
#include "daemon/log.hpp"

#include <array>
#include <memory>
#include <string>
#include <utility>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "daemon/log_line.hpp"

namespace jobmill::log {
namespace {

constexpr auto level_names =
    std::to_array<std::pair<std::string_view, Level>>({{"debug", Level::debug},
                                                       {"info", Level::info},
                                                       {"warning", Level::warning},
                                                       {"error", Level::error}});

constexpr auto format_names =
    std::to_array<std::pair<std::string_view, Format>>({{"auto", Format::automatic},
                                                        {"text", Format::text},
                                                        {"json", Format::json},
                                                        {"journal", Format::journal}});

template <typename Named>
Result<Named> value_named(std::string_view name, const auto& names, const std::string& what)
{
    std::string known;
    for (const auto& [each, value] : names) {
        if (each == name) {
            return value;
        }
        known += (known.empty() ? "" : ", ") + std::string{each};
    }
    return fail(Errc::invalid, what + " \"" + std::string{name} + "\": want one of " + known);
}

spdlog::level::level_enum spdlog_level(Level level)
{
    switch (level) {
        case Level::debug:
            return spdlog::level::debug;
        case Level::info:
            return spdlog::level::info;
        case Level::warning:
            return spdlog::level::warn;
        case Level::error:
            break;
    }
    return spdlog::level::err;
}

Format format_in_force = Format::text;

std::shared_ptr<spdlog::logger>& logger()
{
    // Errors before start(), from tests say, are shown as well.
    static auto instance = std::make_shared<spdlog::logger>(
        "jobmilld", std::make_shared<spdlog::sinks::stderr_sink_st>());
    return instance;
}

}  // namespace

Level detail::threshold = Level::info;

void start(Level level, Format format)
{
    set_level(level);
    format_in_force = format;
    logger()->set_pattern(format == Format::json
                              ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})"
                              : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    logger()->set_level(spdlog::level::trace);  // what comes here was judged before
    logger()->flush_on(spdlog::level::trace);
}

Result<Level> level_named(std::string_view name)
{
    return value_named<Level>(name, level_names, "log level");
}

std::string_view name_of(Level level) noexcept
{
    return level_names.at(static_cast<std::size_t>(level)).first;
}

Result<Format> format_named(std::string_view name)
{
    return value_named<Format>(name, format_names, "log format");
}

void set_level(Level level) noexcept
{
    detail::threshold = level;
}

Level level() noexcept
{
    return detail::threshold;
}

void write(Level level, EventName event, Fields fields, Rate /*rate*/)
{
    logger()->log(
        spdlog_level(level), "{}",
        format_in_force == Format::json ? json_members(event, fields) : text_line(event, fields));
}

}  // namespace jobmill::log
