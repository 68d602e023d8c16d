// SPDX-License-Identifier: MIT
#include "daemon/log.hpp"

#include <array>
#include <memory>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace jobmill::log {
namespace {

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

std::shared_ptr<spdlog::logger>& logger()
{
    // Errors before start(), from tests say, are shown as well.
    static auto instance = std::make_shared<spdlog::logger>(
        "jobmilld", std::make_shared<spdlog::sinks::stderr_sink_st>());
    return instance;
}

}  // namespace

void start(Level level)
{
    logger()->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
    logger()->set_level(spdlog_level(level));
    logger()->flush_on(spdlog::level::debug);
}

Result<Level> level_named(std::string_view name)
{
    if (name == "debug") {
        return Level::debug;
    }
    if (name == "info") {
        return Level::info;
    }
    if (name == "warning") {
        return Level::warning;
    }
    if (name == "error") {
        return Level::error;
    }
    return fail(Errc::invalid,
                "log level \"" + std::string{name} + "\": want debug, info, warning or error");
}

std::string_view name_of(Level level) noexcept
{
    constexpr auto names = std::to_array<std::string_view>({"debug", "info", "warning", "error"});
    return names.at(static_cast<std::size_t>(level));
}

void set_level(Level level)
{
    logger()->set_level(spdlog_level(level));
}

Level level() noexcept
{
    for (const Level level : {Level::debug, Level::info, Level::warning}) {
        if (enabled(level)) {
            return level;
        }
    }
    return Level::error;
}

bool enabled(Level level) noexcept
{
    return logger()->should_log(spdlog_level(level));
}

void write(Level level, std::string_view line)
{
    logger()->log(spdlog_level(level), "{}", line);
}

}  // namespace jobmill::log
