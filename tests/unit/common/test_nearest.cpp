// SPDX-License-Identifier: MIT
#include <array>

#include <doctest/doctest.h>

#include "common/nearest.hpp"

using namespace jobmill;

namespace {
constexpr auto words = std::to_array<std::string_view>({"sum", "sleep", "submit", "status"});
}

TEST_CASE("a misspelt word is understood")
{
    CHECK(nearest("sun", words) == "sum");
    CHECK(nearest("slep", words) == "sleep");
    CHECK(nearest("sumbit", words) == "submit");
    CHECK(nearest("statuss", words) == "status");
}

TEST_CASE("another word is not taken for a misspelling")
{
    CHECK(nearest("", words).empty());
    CHECK(nearest("go", words).empty());
    CHECK(nearest("render", words).empty());
    CHECK(nearest(std::string(100'000, 's'), words).empty());
}

TEST_CASE("the question is asked only when there is a candidate")
{
    CHECK(did_you_mean("sun", words) == "; did you mean \"sum\"?");
    CHECK(did_you_mean("render", words).empty());
}
