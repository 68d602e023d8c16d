// SPDX-License-Identifier: MIT
#include <algorithm>
#include <map>
#include <random>

#include <doctest/doctest.h>

#include "daemon/core/deadlines.hpp"

using namespace jobmill::core;

namespace {

DeadlineKey slot(std::uint32_t number)
{
    return {.kind = DeadlineKey::Kind::slot, .number = number};
}

TimePoint at(std::int64_t nanoseconds)
{
    return TimePoint{Duration{nanoseconds}};
}

}  // namespace

TEST_CASE("the earliest deadline is next")
{
    Deadlines deadlines;
    CHECK(deadlines.next() == never);
    deadlines.set(slot(1), at(30));
    deadlines.set(slot(2), at(10));
    deadlines.set(slot(3), at(20));
    CHECK(deadlines.next() == at(10));
}

TEST_CASE("a deadline is due when its time has come, and then only once")
{
    Deadlines deadlines;
    deadlines.set(slot(1), at(10));
    CHECK_FALSE(deadlines.take_due(at(9)).has_value());
    CHECK(deadlines.take_due(at(10)) == slot(1));
    CHECK_FALSE(deadlines.take_due(at(10)).has_value());
}

TEST_CASE("a new deadline replaces the subject's old one")
{
    Deadlines deadlines;
    deadlines.set(slot(1), at(10));
    deadlines.set(slot(1), at(40));
    CHECK(deadlines.next() == at(40));
    CHECK_FALSE(deadlines.take_due(at(39)).has_value());
}

TEST_CASE("a cancelled deadline is never due")
{
    Deadlines deadlines;
    deadlines.set(slot(1), at(10));
    deadlines.cancel(slot(1));
    deadlines.cancel(slot(2));
    CHECK_FALSE(deadlines.pending(slot(1)));
    CHECK(deadlines.next() == never);
}

TEST_CASE("subjects of the same number and another kind are others")
{
    Deadlines deadlines;
    deadlines.set(slot(1), at(10));
    CHECK_FALSE(deadlines.pending({.kind = DeadlineKey::Kind::pool, .number = 1}));
}

TEST_CASE("deadlines agree with a plain map through random changes")
{
    Deadlines deadlines;
    std::map<std::uint32_t, std::int64_t> model;
    std::mt19937_64 random(7);
    const auto earliest = [&] {
        return std::min_element(model.begin(), model.end(),
                                [](const auto& a, const auto& b) { return a.second < b.second; });
    };
    for (int i = 0; i < 20000; ++i) {
        const auto number = static_cast<std::uint32_t>(random() % 40);
        if (random() % 3 != 0) {
            const auto when = static_cast<std::int64_t>(random() % 1000);
            deadlines.set(slot(number), at(when));
            model[number] = when;
        } else if (random() % 2 == 0) {
            deadlines.cancel(slot(number));
            model.erase(number);
        } else if (const auto due = deadlines.take_due(at(300))) {
            REQUIRE(model.at(due->number) == earliest()->second);
            model.erase(due->number);
        } else {
            REQUIRE((model.empty() || earliest()->second > 300));
        }
        REQUIRE(deadlines.next() == (model.empty() ? never : at(earliest()->second)));
        const auto known = model.find(number);
        REQUIRE(deadlines.pending(slot(number)) == (known != model.end()));
        REQUIRE(deadlines.due(slot(number)) == (known == model.end() ? never : at(known->second)));
    }
}
