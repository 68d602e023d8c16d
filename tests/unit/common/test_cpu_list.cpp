// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "common/cpu_list.hpp"

using namespace jobmill;

TEST_CASE("a list of CPUs becomes a bit for each")
{
    CHECK(parse_cpu_list("0").value() == 0b1);
    CHECK(parse_cpu_list("0,2-3").value() == 0b1101);
    CHECK(parse_cpu_list("2-2").value() == 0b100);
    CHECK(parse_cpu_list("63").value() == std::uint64_t{1} << 63U);
    CHECK(parse_cpu_list("0-63").value() == ~std::uint64_t{0});
    CHECK(parse_cpu_list("1-63").value() == ~std::uint64_t{1});
}

TEST_CASE("CPUs may come in any order and twice")
{
    CHECK(parse_cpu_list("3,1,1-3").value() == 0b1110);
}

TEST_CASE("what is no list of CPUs is refused")
{
    for (const char* text : {"", ",", "0,", ",0", "0,,1", "-", "-1", "1-", "3-2", "x", "0x1", "0 1",
                             " 0", "0-1-2", "1.5", "+1"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_cpu_list(text).has_value());
    }
}

TEST_CASE("a CPU above 63 is refused with the limit, however large")
{
    for (const char* text : {"64", "0-64", "4294967296", "99999999999999999999999"}) {
        CAPTURE(text);
        const auto cpus = parse_cpu_list(text);
        REQUIRE_FALSE(cpus.has_value());
        CHECK(cpus.error().what == "want CPUs of 0 to 63");
    }
}
