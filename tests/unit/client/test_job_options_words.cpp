// SPDX-License-Identifier: MIT
#include <array>
#include <string>

#include <doctest/doctest.h>

#include "client/commands/adjustment_words.hpp"
#include "client/commands/job_options_words.hpp"

using namespace jobmill;
using namespace jobmill::commands;

namespace {

std::string complaint(Word JobOptionWords::*word, const char* text)
{
    JobOptionWords words;
    words.*word = text;
    const auto options = parse_job_options(words);
    return options ? "none" : options.error().what;
}

JobOptions parsed(const JobOptionWords& words)
{
    const auto options = parse_job_options(words);
    REQUIRE_MESSAGE(options.has_value(), (options ? "" : options.error().what));
    return *options;
}

}  // namespace

TEST_CASE("a job that is told nothing asks for nothing")
{
    CHECK(parsed({}) == JobOptions{});
}

TEST_CASE("times of a job are milliseconds or unlimited")
{
    JobOptionWords words;
    words.timeout = "30s";
    words.queue_timeout = "unlimited";
    words.delay = "0s";
    words.cpu_time = "2 h";
    const JobOptions options = parsed(words);
    CHECK(options.timeout_ms == 30'000U);
    CHECK(options.queue_timeout_ms == unlimited);
    CHECK(options.delay_ms == 0U);
    CHECK(options.cpu_ms == 7'200'000U);
}

TEST_CASE("limits of a job are sizes and numbers")
{
    JobOptionWords words;
    words.memory = "64 MiB";
    words.file_size = "unlimited";
    words.open_files = "12";
    words.processes = "unlimited";
    words.nice = "19";
    words.cpus = "0,2-3";
    const JobOptions options = parsed(words);
    CHECK(options.memory == std::uint64_t{64} << 20U);
    CHECK(options.file_size == unlimited);
    CHECK(options.open_files == 12U);
    CHECK(options.processes == unlimited);
    CHECK(options.nice == 19);
    CHECK(options.cpus == "0,2-3");
}

TEST_CASE("retries are for every cause, or for those that are named")
{
    JobOptionWords words;
    words.retries = "3";
    words.backoff = "100ms,30s";
    JobOptions options = parsed(words);
    CHECK(options.retry_crash == 3U);
    CHECK(options.retry_timeout == 3U);
    CHECK(options.retry_failure == 3U);
    CHECK(options.backoff_ms == 100U);
    CHECK(options.backoff_max_ms == 30'000U);
    words.retries = "failure=0,crash=1000";
    words.backoff = "1s";
    options = parsed(words);
    CHECK(options.retry_crash == 1000U);
    CHECK_FALSE(options.retry_timeout);
    CHECK(options.retry_failure == 0U);
    CHECK_FALSE(options.backoff_max_ms);
}

TEST_CASE("a batch has a name and perhaps a rule when it gives up")
{
    JobOptionWords words;
    words.batch = "night";
    words.halt = "soon,fail=3%";
    words.priority = "-100";
    const JobOptions options = parsed(words);
    CHECK(options.batch == "night");
    CHECK(options.halt == "soon,fail=3%");
    CHECK(options.priority == -100);
}

TEST_CASE("an option that makes no sense is named, with its word and what was wanted")
{
    CHECK(complaint(&JobOptionWords::timeout, "30") ==
          R"(--timeout: "30": want a duration such as "500ms" or "5s")");
    CHECK(complaint(&JobOptionWords::timeout, "0s") ==
          R"(--timeout: "0s": want more than nothing; no bound is called unlimited)");
    CHECK(complaint(&JobOptionWords::priority, "101") ==
          R"(--priority: "101": want a whole number, -100 to 100)");
    CHECK(complaint(&JobOptionWords::retries, "crash=1,crash=2") ==
          R"(--retries: "crash=2": want each cause once)");
    CHECK(complaint(&JobOptionWords::backoff, "0ms") ==
          R"(--backoff: "0ms": want at least 1ms and at most 24h)");
}

TEST_CASE("what the daemon would refuse is refused at once")
{
    struct Row {
        Word JobOptionWords::*word;
        const char* text;
    };
    const auto rows = std::to_array<Row>({
        {&JobOptionWords::timeout, ""},
        {&JobOptionWords::timeout, "-1s"},
        {&JobOptionWords::timeout, "87601h"},
        {&JobOptionWords::timeout, "Unlimited"},
        {&JobOptionWords::queue_timeout, "0ms"},
        {&JobOptionWords::delay, "unlimited"},
        {&JobOptionWords::delay, "5"},
        {&JobOptionWords::priority, "-101"},
        {&JobOptionWords::priority, "high"},
        {&JobOptionWords::priority, "+1"},
        {&JobOptionWords::retries, "1001"},
        {&JobOptionWords::retries, "-1"},
        {&JobOptionWords::retries, ""},
        {&JobOptionWords::retries, "crash"},
        {&JobOptionWords::retries, "crash="},
        {&JobOptionWords::retries, "crash=1,"},
        {&JobOptionWords::retries, "oom=1"},
        {&JobOptionWords::retries, "2,crash=1"},
        {&JobOptionWords::backoff, "1s,"},
        {&JobOptionWords::backoff, "2s,1s"},
        {&JobOptionWords::backoff, "25h"},
        {&JobOptionWords::backoff, "1s,2s,3s"},
        {&JobOptionWords::memory, "0"},
        {&JobOptionWords::memory, "64 MB"},
        {&JobOptionWords::memory, "64"},
        {&JobOptionWords::file_size, "4096 "},
        {&JobOptionWords::cpu_time, "0s"},
        {&JobOptionWords::file_size, "0 MiB"},
        {&JobOptionWords::open_files, "0"},
        {&JobOptionWords::processes, "18446744073709551615"},
        {&JobOptionWords::nice, "20"},
        {&JobOptionWords::nice, "-1"},
        {&JobOptionWords::cpus, "64"},
        {&JobOptionWords::cpus, ""},
        {&JobOptionWords::cpus, "3-2"},
        {&JobOptionWords::batch, ""},
        {&JobOptionWords::batch, "\xff"},
        {&JobOptionWords::halt, "later,fail=1"},
        {&JobOptionWords::halt, "now"},
    });
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(complaint(row.word, row.text) != "none");
    }
    CHECK(complaint(&JobOptionWords::batch, std::string(129, 'x').c_str()) != "none");
}

TEST_CASE("every option of the table is read")
{
    for (const JobOptionRow& row : job_option_table()) {
        CAPTURE(row.names);
        const std::string said = complaint(row.word, "\xff nonsense");
        const std::string name{
            std::string_view{row.names}.substr(std::string_view{row.names}.find("--"))};
        CHECK(said.starts_with(name + ": "));
    }
}

TEST_CASE("how much may run is a number or unlimited, and a weight a number")
{
    SetOptions words;
    words.label = "night";
    words.max_running = "unlimited";
    words.weight = "1000";
    const auto adjustment = parse_adjustment(words);
    REQUIRE(adjustment);
    CHECK(adjustment->label == "night");
    CHECK(adjustment->max_running == unlimited);
    CHECK(adjustment->weight == 1000U);
    for (const char* bad : {"0", "-1", "x", "", "4294967296"}) {
        CAPTURE(bad);
        words.max_running = bad;
        CHECK_FALSE(parse_adjustment(words));
    }
    words.max_running = "4";
    for (const char* bad : {"0", "1001", "unlimited", ""}) {
        CAPTURE(bad);
        words.weight = bad;
        CHECK_FALSE(parse_adjustment(words));
    }
}

TEST_CASE("all pools together have a bound and no weight")
{
    SetOptions words;
    words.max_running = "4";
    CHECK(parse_adjustment(words)->max_running == 4U);
    words.weight = "5";
    CHECK_FALSE(parse_adjustment(words));
    CHECK(parse_adjustment(SetOptions{}));
}
