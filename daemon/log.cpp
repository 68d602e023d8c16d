// SPDX-License-Identifier: MIT
// spdlog lays out time, level and line. Its own sinks wait for a full pipe, and the one for the
// journal has no fields (nor does libsystemd send without waiting): the outputs are ours.
#include "daemon/log.hpp"

#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include "daemon/log_line.hpp"
#include "daemon/log_output.hpp"
#include "daemon/log_rates.hpp"

namespace jobmill::log {
namespace {

/// Of each event at once, and again later on.
constexpr std::uint32_t burst = 20;
constexpr std::chrono::milliseconds period{1'000};

// clang-format off
constexpr auto level_names = std::to_array<std::pair<std::string_view, Level>>({
    {"debug", Level::debug}, {"info", Level::info}, {"warning", Level::warning}, {"error", Level::error}});
constexpr auto format_names = std::to_array<std::pair<std::string_view, Format>>({
    {"auto", Format::automatic}, {"text", Format::text}, {"json", Format::json}, {"journal", Format::journal}});
// clang-format on

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

struct Severity {
    spdlog::level::level_enum spdlog;
    int syslog;
};

Severity severity(Level level)
{
    switch (level) {
        case Level::debug:
            return {spdlog::level::debug, LOG_DEBUG};
        case Level::info:
            return {spdlog::level::info, LOG_INFO};
        case Level::warning:
            return {spdlog::level::warn, LOG_WARNING};
        case Level::error:
            break;
    }
    return {spdlog::level::err, LOG_ERR};
}

class StderrSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    /// Whether the last line was taken.
    [[nodiscard]] bool taken() const noexcept { return taken_; }

protected:
    void sink_it_(const spdlog::details::log_msg& message) override
    {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        taken_ = output_.write({line.data(), line.size()});
    }
    void flush_() override {}

private:
    LineOutput output_{STDERR_FILENO};
    bool taken_ = true;
};

class Log {
public:
    explicit Log(Format format) : format_(format)
    {
        logger_.set_pattern(format == Format::json
                                ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})"
                                : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
        logger_.set_level(spdlog::level::trace);  // what comes here was judged before
    }
    explicit Log(JournalOutput journal) : Log(Format::journal) { journal_ = std::move(journal); }

    void write(Level level, EventName event, Fields fields, Rate rate)
    {
        const auto now = std::chrono::steady_clock::now();
        if (rate == Rate::limited && !rates_.admit(event.words(), now)) {
            return;
        }
        say_left_out(rates_.take_left_out(now));
        emit(level, event, fields);
    }

    void finish() { say_left_out(rates_.take_all_left_out()); }

private:
    void say_left_out(const std::vector<EventRates::LeftOut>& counts)
    {
        for (const auto& [event, count] : counts) {
            emit(Level::warning, "events left out", {{"event", event}, {"count", count}});
        }
    }

    void emit(Level level, EventName event, Fields fields)
    {
        if (lost_ > 0 && put(Level::warning, "lines lost", {{"count", lost_}})) {
            lost_ = 0;
        }
        if (lost_ > 0 || !put(level, event, fields)) {
            ++lost_;
        }
    }

    [[nodiscard]] bool put(Level level, EventName event, Fields fields)
    {
        const Severity severity = log::severity(level);
        if (journal_) {
            return journal_->write(journal_entry(severity.syslog, event, fields));
        }
        logger_.log(
            severity.spdlog, "{}",
            format_ == Format::json ? json_members(event, fields) : text_line(event, fields));
        return sink_->taken();
    }

    Format format_;
    std::optional<JournalOutput> journal_;
    std::shared_ptr<StderrSink> sink_ = std::make_shared<StderrSink>();
    spdlog::logger logger_{"jobmilld", sink_};
    EventRates rates_{burst, period};
    std::uint64_t lost_ = 0;
};

std::unique_ptr<Log>& instance()
{
    // Before start() there is one too: the libraries of the daemon are tested without it.
    static auto log = std::make_unique<Log>(Format::text);
    return log;
}

bool stderr_is_journal()
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the only thread, and nothing changes the environment
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat file {};
    return stream != nullptr && ::fstat(STDERR_FILENO, &file) == 0 && means_journal(stream, file);
}

}  // namespace

Level detail::threshold = Level::info;

Result<void> start(Level level, Format format)
{
    set_level(level);
    if (format == Format::automatic) {
        format = stderr_is_journal() ? Format::journal : Format::text;
    }
    if (format != Format::journal) {
        instance() = std::make_unique<Log>(format);
        return {};
    }
    JOBMILL_TRY_ASSIGN(JournalOutput journal, JournalOutput::open(JournalOutput::usual_path));
    instance() = std::make_unique<Log>(std::move(journal));
    return {};
}

void finish()
{
    instance()->finish();
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

void write(Level level, EventName event, Fields fields, Rate rate)
{
    instance()->write(level, event, fields, rate);
}

}  // namespace jobmill::log
