// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "common/quantities.hpp"

using namespace jobmill;
using namespace std::chrono_literals;

TEST_CASE("sizes are whole numbers with a binary unit")
{
    CHECK(parse_size("1000") == 1000U);
    CHECK(parse_size("12B") == 12U);
    CHECK(parse_size("1 KiB") == 1024U);
    CHECK(parse_size("64 MiB") == 64U << 20U);
    CHECK(parse_size("2GiB") == std::uint64_t{2} << 30U);
    CHECK(parse_size("64M") == 64U << 20U);
    CHECK(parse_size("1K") == 1024U);
    CHECK(parse_size("2 G") == std::uint64_t{2} << 30U);
    CHECK(parse_size("1T") == std::uint64_t{1} << 40U);
    CHECK(parse_size("1  TiB") == std::uint64_t{1} << 40U);
    for (const char* bad : {"", " 1", "1 ", "1kib", "1 KB", "1.5 MiB", "MiB", "-1", "+1", "0x10",
                            "18446744073709551616", "99999999999999999 TiB"}) {
        CAPTURE(bad);
        CHECK(parse_size(bad).has_value() == (std::string_view{bad} == "1 "));
    }
}

TEST_CASE("durations always have a unit")
{
    CHECK(parse_duration("500ms") == 500ms);
    CHECK(parse_duration("5 s") == 5s);
    CHECK(parse_duration("10m") == 10min);
    CHECK(parse_duration("1h") == 1h);
    CHECK(parse_duration("0s") == 0ms);
    for (const char* bad : {"", "5", "s", "5d", "5S", "1.5s", "-1s", "9999999999999999h"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_duration(bad).has_value());
    }
}

TEST_CASE("short durations are microseconds or milliseconds")
{
    CHECK(parse_short_duration("20us") == 20us);
    CHECK(parse_short_duration("1 ms") == 1000us);
    for (const char* bad : {"", "20", "us", "1s", "-1us", "1.5ms", "99999999999999999999us"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_short_duration(bad).has_value());
    }
    CHECK(short_duration_text(20us) == "20us");
    CHECK(short_duration_text(1000us) == "1ms");
    CHECK(short_duration_text(1001us) == "1001us");
}

TEST_CASE("sizes and durations are written in the largest unit that leaves nothing out")
{
    CHECK(size_text(1000) == "1000");
    CHECK(size_text(1024) == "1 KiB");
    CHECK(size_text(1536) == "1536");
    CHECK(size_text(std::uint64_t{3} << 29U) == "1536 MiB");
    CHECK(size_text(std::uint64_t{2} << 40U) == "2 TiB");
    CHECK(duration_text(0ms) == "0s");
    CHECK(duration_text(1500ms) == "1500ms");
    CHECK(duration_text(90s) == "90s");
    CHECK(duration_text(90min) == "90m");
    CHECK(duration_text(48h) == "48h");
}

TEST_CASE("what was written is read as the same")
{
    for (const std::uint64_t size : {std::uint64_t{1}, std::uint64_t{1023}, std::uint64_t{1} << 20U,
                                     (std::uint64_t{1} << 40U) + 1}) {
        CHECK(parse_size(size_text(size)) == size);
    }
    for (const auto duration : {0ms, 1ms, 999ms, 60000ms, 3600001ms}) {
        CHECK(parse_duration(duration_text(duration)) == duration);
    }
}
