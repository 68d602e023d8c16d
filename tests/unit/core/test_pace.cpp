// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/core/pace.hpp"

using namespace jobmill::core;
using std::chrono::microseconds;
using std::chrono::seconds;

namespace {

constexpr Duration ahead = microseconds{300};

std::uint32_t depth(const Pace& pace)
{
    return pace.depth(ahead, 256);
}

}  // namespace

TEST_CASE("one at a time while nothing is known, and of long ones")
{
    Pace pace;
    CHECK(depth(pace) == 1);
    pace.ran(microseconds{301});
    CHECK(depth(pace) == 1);
    pace.ran(seconds{1000});
    CHECK(depth(pace) == 1);
}

TEST_CASE("as many as take the time that is worked ahead, within what a worker may hold")
{
    Pace pace;
    pace.ran(microseconds{20});
    CHECK(depth(pace) == 15);
    CHECK(pace.depth(ahead, 4) == 4);
    Pace tiny;
    tiny.ran(Duration{0});
    CHECK(depth(tiny) == 256);
}

TEST_CASE("one that is long is felt at once, and forgotten after some that are short")
{
    Pace pace;
    pace.ran(microseconds{20});
    pace.ran(seconds{1});
    CHECK(depth(pace) == 1);
    int jobs = 0;
    for (; depth(pace) < 14 && jobs < 1000; ++jobs) {
        pace.ran(microseconds{20});
    }
    CHECK(jobs > 10);
    CHECK(jobs < 150);
}

TEST_CASE("who works ahead for ever holds as many as he may, whatever they take")
{
    Pace pace;
    CHECK(pace.depth(forever, 7) == 7);
    pace.ran(seconds{1});
    CHECK(pace.depth(forever, 7) == 7);
}
