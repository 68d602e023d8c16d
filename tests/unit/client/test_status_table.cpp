// SPDX-License-Identifier: MIT
#include <string>

#include <doctest/doctest.h>

#include "client/commands/status_table.hpp"
#include "client/commands/text_table.hpp"

using namespace jobmill;
using namespace jobmill::commands;

namespace {

std::string text_with(const char* list, Map entry)
{
    return status_text(Value{Map{{list, Array{std::move(entry)}}}});
}

bool has(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the status table is aligned and escapes what users wrote")
{
    const Value status{
        Map{{"version", "0.1"},
            {"pid", 812},
            {"uptime_ms", 5000},
            {"socket", "/s"},
            {"pools", Array{Map{{"name", "default"}, {"workers", 8}, {"busy", 1}, {"done", 5214}}}},
            {"jobs", Array{Map{{"job", 121}, {"state", "running"}, {"label", "a\x1b[31m"}}}},
            {"more_jobs", 3}}};
    const std::string text = status_text(status);
    CHECK(text.find("default  8        1") != std::string::npos);
    CHECK(text.find("a\\x1b[31m") != std::string::npos);
    CHECK(text.find("and 3 more") != std::string::npos);
}

TEST_CASE("whatever is not listed is counted below its table")
{
    const auto text = [](const char* list, const char* more) {
        return status_text(Value{Map{{list, Array{Map{{"name", "x"}}}}, {more, 3}}});
    };
    for (const char* const list : {"pools", "jobs", "batches", "poison", "labels"}) {
        CAPTURE(list);
        CHECK(has(text(list, ("more_" + std::string{list}).c_str()), "\nand 3 more\n"));
        CHECK_FALSE(has(text(list, "more_of_another"), "more"));
    }
}

TEST_CASE("the status of the system's daemon says under whose user jobs run")
{
    const auto text = [](bool system) {
        return status_text(
            Value{Map{{"system", system}, {"uid", 998}, {"user", "jobmill"}, {"socket", "/s"}}});
    };
    CHECK(text(true).find("jobs run as jobmill (uid 998)\n") != std::string::npos);
    CHECK(text(false).find("jobs run as") == std::string::npos);
}

TEST_CASE("a status of another shape does no harm")
{
    CHECK_FALSE(status_text(Value{5}).empty());
    CHECK_FALSE(status_text(Value{Map{{"pools", "x"}, {"jobs", Array{1, "y"}}}}).empty());
}

TEST_CASE("a column that says nothing is left out when it may be")
{
    TextTable table{{{"A"}, {"B", true}, {"C", true}}};
    table.add({"0", "0", "x"});
    table.add({"long", "-", ""});
    CHECK(table.text() == "A     C\n0     x\nlong\n");
    CHECK(TextTable{{{"A"}, {"B", true}}}.text() == "A\n");
}

TEST_CASE("what seldom happens to a pool is shown when it has happened")
{
    CHECK_FALSE(has(text_with("pools", {{"name", "p"}, {"waiting", 0}}), "WAITING"));
    const std::string text = text_with("pools", {{"name", "p"},
                                                 {"waiting", 3},
                                                 {"done", 20},
                                                 {"succeeded", 8},
                                                 {"timed_out", 4},
                                                 {"expired", 5},
                                                 {"cancelled", 3},
                                                 {"retried", 6},
                                                 {"lent", 1}});
    CHECK(has(text,
              "POOL  WORKERS  BUSY  LENT  WAITING  QUEUED  DONE  FAILED  CRASHED  "
              "TIMED-OUT  EXPIRED  CANCELLED  RETRIED  RESTARTS\n"));
    CHECK(has(text,
              "p     0        0     1     3        0       8     0       0        "
              "4          5        3          6        0\n"));
}

TEST_CASE("a pool in trouble is marked, and the trouble told")
{
    const std::string text = text_with("pools", {{"name", "p"},
                                                 {"degraded", true},
                                                 {"paused", "memory"},
                                                 {"condemned", 1},
                                                 {"error", "module x.so: no such file"}});
    CHECK(has(text, "p (degraded, paused)  "));
    CHECK(has(text, "\np: its workers die one after another"));
    CHECK(has(text, "\np: no job begins, as the machine is short of memory\n"));
    CHECK(has(text, "\np: 1 of its workers cannot be killed\n"));
    CHECK(has(text, "\np: module x.so: no such file\n"));
}

TEST_CASE("that memory is low is told with numbers")
{
    const auto text = [](bool low) {
        return status_text(Value{Map{{"memory", Map{{"available", std::int64_t{300} << 20U},
                                                    {"min_free", std::int64_t{1} << 30U},
                                                    {"low", low}}}}});
    };
    CHECK(has(text(true), "memory: 300 MiB available, 1024 MiB are to stay free\n"));
    CHECK_FALSE(has(text(false), "memory:"));
}

TEST_CASE("batches are counted, and one that gave up says so")
{
    const Map night{{"batch", "night"}, {"submitted", 9}, {"waiting", 0}, {"queued", 1},
                    {"running", 2},     {"succeeded", 3}, {"failed", 4},  {"halted", false}};
    CHECK(has(text_with("batches", night),
              "BATCH  SUBMITTED  QUEUED  RUNNING  SUCCEEDED  FAILED\n"
              "night  9          1       2        3          4\n"));
    Map halted = night;
    halted.back().second = true;
    halted.emplace_back("cancelled", 5);
    CHECK(has(text_with("batches", halted), "4       5          given up\n"));
}

TEST_CASE("what was set aside is listed with its cause")
{
    const std::string text =
        text_with("poison", {{"job", 7},
                             {"pool", "p"},
                             {"handler", "render"},
                             {"age_ms", 3000},
                             {"cause", Map{{"kind", "signal"}, {"signal", "SIGSEGV"}}}});
    CHECK(has(text,
              "SET-ASIDE  AGE   POOL  HANDLER  CAUSE\n7          3.0s  p     render   SIGSEGV\n"));
    CHECK(has(text_with("poison", {{"job", "8"}, {"cause", "a\x1b"}}), "a\\x1b"));
}

TEST_CASE("labels that were given limits are listed")
{
    CHECK(
        has(text_with(
                "labels",
                {{"label", "night"}, {"max_running", "unlimited"}, {"weight", 50}, {"running", 3}}),
            "LABEL  RUNNING  AT-MOST    WEIGHT\nnight  3        unlimited  50\n"));
}

TEST_CASE("a job's priority, attempt and batch are shown where there are any")
{
    const Map plain{{"job", 1}, {"state", "queued"}, {"attempt", 1}, {"priority", 0}};
    CHECK_FALSE(has(text_with("jobs", plain), "ATTEMPT"));
    const std::string text = text_with(
        "jobs",
        {{"job", 1}, {"state", "waiting"}, {"attempt", 2}, {"priority", -5}, {"batch", "night"}});
    CHECK(has(text, "ID  STATE    AGE  PRIORITY  ATTEMPT  POOL  HANDLER  BATCH  LABEL\n"));
    CHECK(has(text, "1   waiting  -    -5        2                       night\n"));
}

TEST_CASE("how much may run is told of all, of pools and of labels")
{
    const Value shares{
        Map{{"max_running", "unlimited"},
            {"pools", Array{Map{{"name", "p"}, {"max_running", 2}, {"weight", 100}}}},
            {"labels", Array{}}}};
    CHECK(shares_text(shares) ==
          "at most, of all: unlimited\nPOOL  AT-MOST  WEIGHT\np     2        100\n");
}
