// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "worker/children.hpp"

using jobmill::ChildLooks;

TEST_CASE("a job that may have forked is looked after at once")
{
    ChildLooks looks;
    CHECK(looks.due_after(25'000));
    CHECK(looks.due_after(1'000'000'000));
    CHECK_FALSE(looks.due_now());
}

TEST_CASE("jobs too short for any process are never looked after")
{
    ChildLooks looks;
    for (int i = 0; i < 1000; ++i) {
        CHECK_FALSE(looks.due_after(4'999));
    }
    CHECK_FALSE(looks.due_now());
}

TEST_CASE("jobs that hardly had the time are looked after together")
{
    ChildLooks looks;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 12; ++i) {
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
        for (int i = 0; i < 229; ++i) {
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
