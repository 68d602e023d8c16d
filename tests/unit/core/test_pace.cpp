// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/core/pace.hpp"

using namespace jobmill::core;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("nothing is known of a handler of which no job has run, whatever others take")
{
    Pace pace;
    CHECK(pace.lately() == Duration{});
    pace.ran(3, microseconds{20});
    CHECK(pace.lately(3) == microseconds{20});
    CHECK(pace.lately(2) == Duration{});
    CHECK(pace.lately(4) == Duration{});
    CHECK(pace.lately() == microseconds{20});
    pace.ran(4, Duration{});
    CHECK(pace.lately(4) == Duration{1});
    CHECK(pace.lately(3) == microseconds{20});
}

TEST_CASE("a job that is long is felt at once, and forgotten after some that are short")
{
    Pace pace;
    pace.ran(0, microseconds{20});
    pace.ran(0, seconds{1});
    CHECK(pace.lately(0) > milliseconds{100});
    int jobs = 0;
    for (; pace.lately(0) > microseconds{21} && jobs < 1000; ++jobs) {
        pace.ran(0, microseconds{20});
    }
    CHECK(jobs > 10);
    CHECK(jobs < 150);
}
