// SPDX-License-Identifier: MIT
#include <map>
#include <random>

#include <doctest/doctest.h>

#include "daemon/session_tags.hpp"

using namespace jobmill;
using jobmill::daemon::SessionTags;

TEST_CASE("a number is in use until it is removed")
{
    SessionTags tags;
    CHECK(tags.add(Tag{5}));
    CHECK_FALSE(tags.add(Tag{5}));
    CHECK(tags.size() == 1);
    tags.remove(Tag{5});
    CHECK(tags.size() == 0);
    CHECK(tags.add(Tag{5}));
}

TEST_CASE("a tag tells what has it for as long as it is in use, in either spelling")
{
    SessionTags tags;
    CHECK(tags.add(Tag{1'000'000}));
    const auto a = tags.add("a");
    REQUIRE(a.has_value());
    for (const Tag tag : {Tag{1'000'000}, *a}) {
        REQUIRE(tags.use_of(tag) != nullptr);
        CHECK(tags.use_of(tag)->job == JobId{});
        *tags.use_of(tag) = {.job = JobId{7}, .bytes = 8};
        CHECK(tags.use_of(tag)->job == JobId{7});
        CHECK(tags.use_of(tag)->bytes == 8);
        tags.remove(tag);
        CHECK(tags.use_of(tag) == nullptr);
    }
    CHECK(tags.add(Tag{1'000'000}));
    CHECK(tags.use_of(Tag{1'000'000})->job == JobId{});
}

TEST_CASE("a number has no text")
{
    SessionTags tags;
    CHECK(tags.add(Tag{5}));
    CHECK(tags.text(Tag{5}).empty());
    CHECK(tags.text(Tag{6}).empty());
}

TEST_CASE("a text has a number for as long as it is in use")
{
    SessionTags tags;
    const auto a = tags.add("a");
    const auto b = tags.add("b");
    REQUIRE(a.has_value());
    REQUIRE(b.has_value());
    CHECK(*a != *b);
    CHECK(tags.find("a") == a);
    CHECK(tags.text(*b) == "b");
    CHECK_FALSE(tags.add("a").has_value());
    CHECK(tags.size() == 2);
    tags.remove(*a);
    CHECK_FALSE(tags.find("a").has_value());
    CHECK(tags.text(*a).empty());
    CHECK(tags.find("b") == b);
}

TEST_CASE("a text that is used again has another number, so nothing late meets it")
{
    SessionTags tags;
    const auto first = tags.add("a");
    REQUIRE(first.has_value());
    tags.remove(*first);
    const auto second = tags.add("a");
    REQUIRE(second.has_value());
    CHECK(*first != *second);
}

TEST_CASE("numbers begin above 0, which means no tag")
{
    SessionTags tags;
    CHECK(tags.add("a") == Tag{1});
}

TEST_CASE("removing what is not there changes nothing")
{
    SessionTags tags;
    CHECK(tags.add(Tag{1}));
    tags.remove(Tag{2});
    CHECK(tags.size() == 1);
}

TEST_CASE("each number of a row is in use by itself, in whatever order they come and go")
{
    SessionTags tags;
    std::map<std::uint64_t, JobId> expected;
    std::mt19937_64 random{1};
    // Few enough that they meet, rows that are shared, left whole and half, and come back.
    std::uniform_int_distribution<std::uint64_t> any{0, 99};
    for (std::uint64_t step = 1; step <= 20'000; ++step) {
        const Tag tag{any(random)};
        if (random() % 2 == 0) {
            const bool added = tags.add(tag);
            CHECK(added == !expected.contains(number(tag)));
            if (added) {
                tags.use_of(tag)->job = expected[number(tag)] = JobId{step};
            }
        } else {
            const auto found = expected.find(number(tag));
            CHECK(tags.remove(tag).job == (found == expected.end() ? JobId{} : found->second));
            expected.erase(number(tag));
        }
        REQUIRE(tags.size() == expected.size());
    }
    for (std::uint64_t at = 0; at < 100; ++at) {
        const SessionTags::Use* use = tags.use_of(Tag{at});
        REQUIRE((use != nullptr) == expected.contains(at));
        CHECK((use == nullptr || use->job == expected[at]));
    }
}

TEST_CASE("numbers far apart do not meet in one place")
{
    // Multiples of a high power of two meet in one place of a table that goes by low bits, which
    // would grow with each of them until the memory is used up.
    SessionTags tags;
    constexpr std::uint64_t count = 20'000;
    for (std::uint64_t i = 1; i <= count; ++i) {
        REQUIRE(tags.add(Tag{i << 40U}));
    }
    CHECK(tags.size() == count);
    for (std::uint64_t i = 1; i <= count; ++i) {
        CHECK(tags.use_of(Tag{i << 40U}) != nullptr);
        tags.remove(Tag{i << 40U});
    }
    CHECK(tags.size() == 0);
}
