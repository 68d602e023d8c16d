// SPDX-License-Identifier: MIT
#include "client/commands/job_options_words.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "common/cpu_list.hpp"
#include "common/halt.hpp"
#include "common/limits.hpp"
#include "common/quantities.hpp"
#include "common/utf8.hpp"

namespace jobmill::commands {
namespace {

constexpr auto order = "Order and time";
constexpr auto attempts = "More attempts";
constexpr auto limited = "Limits of the job";
constexpr auto batches = "Batches";

// clang-format off
constexpr auto table = std::to_array<JobOptionRow>({
    {"-t,--timeout", "DUR|unlimited", "stop it when it has run so long: 500ms, 30s, 10m, 1h", order, &JobOptionWords::timeout},
    {"-P,--priority", "N", "-100 to 100; higher runs first", order, &JobOptionWords::priority},
    {"--queue-timeout", "DUR|unlimited", "drop it when it has not begun by then", order, &JobOptionWords::queue_timeout},
    {"--delay", "DUR", "do not begin before", order, &JobOptionWords::delay},
    {"-r,--retries", "N|CAUSE=N,...", "more attempts after: crash, timeout, failure", attempts, &JobOptionWords::retries},
    {"--backoff", "DUR[,MAX]", "wait before the next attempt, then twice as long, up to MAX", attempts, &JobOptionWords::backoff},
    {"-b,--batch", "NAME", "what it belongs to: for cancel, halt and status", batches, &JobOptionWords::batch},
    {"--halt", "RULE", "give the batch up: now,fail=1 or soon,fail=3%", batches, &JobOptionWords::halt},
    {"--memory", "SIZE|unlimited", "such as 64MiB", limited, &JobOptionWords::memory},
    {"--cpu-time", "DUR|unlimited", "of the processor", limited, &JobOptionWords::cpu_time},
    {"--file-size", "SIZE|unlimited", "of each file it writes", limited, &JobOptionWords::file_size},
    {"--open-files", "N|unlimited", "descriptors", limited, &JobOptionWords::open_files},
    {"--processes", "N|unlimited", "that a command may start", limited, &JobOptionWords::processes},
    {"--nice", "N", "0 to 19", limited, &JobOptionWords::nice},
    {"--cpus", "LIST", "where it may run: 0,2-3", limited, &JobOptionWords::cpus},
});
// clang-format on

constexpr auto longest_ms = static_cast<std::uint64_t>(limits::time_ms);
constexpr auto longest_backoff_ms = static_cast<std::uint64_t>(limits::backoff_ms);
constexpr auto most_retries = static_cast<std::uint32_t>(limits::retries);
constexpr std::uint64_t most_counted = std::numeric_limits<std::uint32_t>::max();

tl::unexpected<Error> bad(std::string_view text, const std::string& want)
{
    return fail(Errc::invalid, "\"" + std::string{text} + "\": want " + want);
}

template <typename T>
Result<T> whole(std::string_view text, T least, T most)
{
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) {
        const std::string above = " to " + std::to_string(most);
        return bad(text, "a whole number, " + std::to_string(least) + above);
    }
    return value;
}

Result<std::uint64_t> milliseconds(std::string_view text, std::uint64_t least, std::uint64_t most,
                                   const char* longest)
{
    JOBMILL_TRY_ASSIGN(const auto duration, parse_duration(text));
    const auto ms = static_cast<std::uint64_t>(duration.count());
    if (ms < least || ms > most) {
        return bad(text,
                   (least > 0 ? "at least 1ms and at most " : "at most ") + std::string{longest});
    }
    return ms;
}

// Each reads one kind of word.

Result<std::uint64_t> delay(std::string_view text)
{
    return milliseconds(text, 0, longest_ms, "ten years");
}

Result<std::uint64_t> bounded_time(std::string_view text)
{
    if (text == "unlimited") {
        return unlimited;
    }
    const auto ms = milliseconds(text, 0, longest_ms, "ten years");
    return ms && *ms == 0 ? bad(text, "more than nothing; no bound is called unlimited") : ms;
}

Result<std::uint64_t> bounded_size(std::string_view text)
{
    if (text == "unlimited") {
        return unlimited;
    }
    const auto bytes = parse_size(text);
    if (bytes && *bytes == 0) {
        return bad(text, "more than nothing; no bound is called unlimited");
    }
    // In a configuration that means bytes, too; here it is somebody who has forgotten MiB.
    const bool bare = text.find_first_not_of("0123456789 ") == std::string_view::npos;
    return bytes && bare ? bad(text, "a unit, as in \"64 MiB\" or \"64 B\"") : bytes;
}

Result<std::uint64_t> bounded_count(std::string_view text)
{
    if (text == "unlimited") {
        return unlimited;
    }
    return whole<std::uint64_t>(text, 1, most_counted);
}

Result<std::int32_t> priority(std::string_view text)
{
    return whole<std::int32_t>(text, -100, 100);
}

Result<std::int32_t> niceness(std::string_view text)
{
    return whole<std::int32_t>(text, 0, 19);
}

Result<std::string_view> cpu_list(std::string_view text)
{
    if (text.size() > limits::name) {
        return bad(text, "at most " + std::to_string(limits::name) + " bytes");
    }
    JOBMILL_TRY(parse_cpu_list(text));
    return text;
}

Result<std::string_view> batch_name(std::string_view text)
{
    if (text.empty() || text.size() > limits::name || !valid_utf8(text)) {
        return bad(text, "a name of 1 to " + std::to_string(limits::name) + " bytes, in UTF-8");
    }
    return text;
}

Result<std::string_view> halt_rule(std::string_view text)
{
    JOBMILL_TRY(parse_halt(text));
    return text;
}

template <typename Read, typename To>
Result<void> read(const char* option, const Word& word, Read reader, To& to)
{
    if (!word) {
        return {};
    }
    auto value = reader(*word);
    if (!value) {
        return fail(Errc::invalid, std::string{option} + ": " + value.error().what);
    }
    to = *value;
    return {};
}

using Retries = std::optional<std::uint32_t>;

/// "crash=2": one cause, once.
Result<void> read_cause(std::string_view text, JobOptions& options)
{
    struct Row {
        std::string_view cause;
        Retries JobOptions::*to;
    };
    static constexpr auto causes = std::to_array<Row>({{"crash", &JobOptions::retry_crash},
                                                       {"timeout", &JobOptions::retry_timeout},
                                                       {"failure", &JobOptions::retry_failure}});
    const std::size_t equals = text.find('=');
    for (const Row& row : causes) {
        if (equals == std::string_view::npos || text.substr(0, equals) != row.cause) {
            continue;
        }
        if (options.*row.to) {
            return bad(text, "each cause once");
        }
        JOBMILL_TRY_ASSIGN(options.*row.to,
                           whole<std::uint32_t>(text.substr(equals + 1), 0, most_retries));
        return {};
    }
    return bad(text, "a number, or crash=N, timeout=N, failure=N with commas between");
}

/// "2", for every cause, or "crash=2,timeout=1".
Result<void> read_retries(const Word& word, JobOptions& options)
{
    if (!word) {
        return {};
    }
    if (word->find('=') == std::string::npos) {
        JOBMILL_TRY_ASSIGN(const std::uint32_t count, whole<std::uint32_t>(*word, 0, most_retries));
        options.retry_crash = options.retry_timeout = options.retry_failure = count;
        return {};
    }
    std::string_view rest = *word;
    while (true) {
        const std::size_t comma = rest.find(',');
        JOBMILL_TRY(read_cause(rest.substr(0, comma), options));
        if (comma == std::string_view::npos) {
            return {};
        }
        rest.remove_prefix(comma + 1);
    }
}

/// "100ms" or "100ms,30s".
Result<void> read_backoff(const Word& word, JobOptions& options)
{
    if (!word) {
        return {};
    }
    const std::string_view text = *word;
    const std::size_t comma = text.find(',');
    JOBMILL_TRY_ASSIGN(options.backoff_ms,
                       milliseconds(text.substr(0, comma), 1, longest_backoff_ms, "24h"));
    if (comma != std::string_view::npos) {
        JOBMILL_TRY_ASSIGN(options.backoff_max_ms,
                           milliseconds(text.substr(comma + 1), 1, longest_backoff_ms, "24h"));
        if (*options.backoff_max_ms < *options.backoff_ms) {
            return bad(text, "the shorter pause first");
        }
    }
    return {};
}

Result<void> named(const char* option, Result<void> result)
{
    return result ? result : fail(Errc::invalid, std::string{option} + ": " + result.error().what);
}

}  // namespace

std::span<const JobOptionRow> job_option_table() noexcept
{
    return table;
}

Result<JobOptions> parse_job_options(const JobOptionWords& words)
{
    JobOptions to;
    JOBMILL_TRY(read("--timeout", words.timeout, bounded_time, to.timeout_ms));
    JOBMILL_TRY(read("--queue-timeout", words.queue_timeout, bounded_time, to.queue_timeout_ms));
    JOBMILL_TRY(read("--delay", words.delay, delay, to.delay_ms));
    JOBMILL_TRY(read("--priority", words.priority, priority, to.priority));
    JOBMILL_TRY(named("--retries", read_retries(words.retries, to)));
    JOBMILL_TRY(named("--backoff", read_backoff(words.backoff, to)));
    JOBMILL_TRY(read("--memory", words.memory, bounded_size, to.memory));
    JOBMILL_TRY(read("--cpu-time", words.cpu_time, bounded_time, to.cpu_ms));
    JOBMILL_TRY(read("--file-size", words.file_size, bounded_size, to.file_size));
    JOBMILL_TRY(read("--open-files", words.open_files, bounded_count, to.open_files));
    JOBMILL_TRY(read("--processes", words.processes, bounded_count, to.processes));
    JOBMILL_TRY(read("--nice", words.nice, niceness, to.nice));
    JOBMILL_TRY(read("--cpus", words.cpus, cpu_list, to.cpus));
    JOBMILL_TRY(read("--batch", words.batch, batch_name, to.batch));
    JOBMILL_TRY(read("--halt", words.halt, halt_rule, to.halt));
    return to;
}

}  // namespace jobmill::commands
