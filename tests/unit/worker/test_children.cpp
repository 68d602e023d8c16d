// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "worker/children.hpp"

using jobmill::ChildLooks;

namespace {

/// What a look takes, in ns, where system calls are cheap.
constexpr std::uint64_t usual = 150;

}  // namespace

TEST_CASE("a job that may have forked is looked after at once")
{
    ChildLooks looks{usual};
    CHECK(looks.due_after(25'000));
    CHECK(looks.due_after(1'000'000'000));
    CHECK_FALSE(looks.due_now());
}

TEST_CASE("jobs too short for any process are never looked after")
{
    ChildLooks looks{usual};
    for (int i = 0; i < 1000; ++i) {
        CHECK_FALSE(looks.due_after(4'999));
    }
    CHECK_FALSE(looks.due_now());
}

TEST_CASE("jobs that hardly had the time are looked after together")
{
    ChildLooks looks{usual};
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 49; ++i) {
            CHECK_FALSE(looks.due_after(20'000));
        }
        CHECK(looks.due_after(20'000));
    }
    CHECK_FALSE(looks.due_now());

    CHECK_FALSE(looks.due_after(20'000));
    CHECK_FALSE(looks.due_after(100));
    CHECK(looks.due_now());
    CHECK_FALSE(looks.due_now());

    SUBCASE("whatever comes after them")
    {
        CHECK_FALSE(looks.due_after(20'000));
        for (int i = 0; i < 979; ++i) {
            CHECK_FALSE(looks.due_after(1'000));
        }
        CHECK(looks.due_after(1'000));
    }
    SUBCASE("and after one that may have forked the count begins anew")
    {
        for (int i = 0; i < 10; ++i) {
            CHECK_FALSE(looks.due_after(24'999));
        }
        CHECK(looks.due_after(30'000));
        CHECK_FALSE(looks.due_after(24'999));
    }
}

TEST_CASE("where a look takes long, so does a fork")
{
    const auto at_once_from = [](std::uint64_t look_ns) {
        std::uint64_t run_ns = 1000;
        while (!ChildLooks{look_ns}.due_after(run_ns)) {
            run_ns += 1000;
        }
        return run_ns;
    };
    CHECK(at_once_from(0) == 25'000);
    CHECK(at_once_from(200) == 25'000);
    CHECK(at_once_from(1'000) == 125'000);
    CHECK(at_once_from(1'000'000) == 250'000);
}

TEST_CASE("what a look takes is measured")
{
    const std::uint64_t look_ns = jobmill::measure_look();
    CHECK(look_ns > 0);
    CHECK(look_ns < 250'000);
}
