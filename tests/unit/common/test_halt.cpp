// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "common/halt.hpp"

using namespace jobmill;

TEST_CASE("a halt rule says when, how many, and of what")
{
    CHECK(parse_halt("now,fail=1").value() == Halt{.now = true, .fail = 1, .percent = false});
    CHECK(parse_halt("soon,fail=20").value() == Halt{.now = false, .fail = 20, .percent = false});
    CHECK(parse_halt("soon,fail=100%").value() == Halt{.now = false, .fail = 100, .percent = true});
    CHECK(parse_halt("now,fail=4294967295").value().fail == 4294967295);
}

TEST_CASE("what is no halt rule is refused, whatever it resembles")
{
    for (const char* text : {"",
                             "now",
                             "now,",
                             "now,fail",
                             "now,fail=",
                             "now,fail=%",
                             "now,fail=0",
                             "now,fail=0%",
                             "now,fail=101%",
                             "now,fail=-1",
                             "now,fail=+1",
                             "now,fail= 1",
                             "now,fail=1 ",
                             "now,fail=1x",
                             "now,fail=1.5",
                             "now,fail=1%%",
                             "now,fail=4294967296",
                             "later,fail=1",
                             "NOW,fail=1",
                             " now,fail=1",
                             "soon, fail=1",
                             "now,success=1",
                             "nowsoon,fail=1"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_halt(text).has_value());
    }
}

TEST_CASE("a share above the whole is refused with the limit")
{
    CHECK(parse_halt("now,fail=101%").error().what.find("100%") != std::string::npos);
}
