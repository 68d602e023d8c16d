// SPDX-License-Identifier: MIT
#include <map>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "daemon/core/number_index.hpp"

using jobmill::core::NumberIndex;

namespace {

/// What the index is asked about: a number for each place.
struct Table {
    std::vector<std::uint64_t> numbers;
    NumberIndex index{NumberIndex::kept_of_many};

    [[nodiscard]] auto number_of() const
    {
        return [this](NumberIndex::Place place) { return numbers[place]; };
    }
    void add(std::uint64_t number)
    {
        numbers.push_back(number);
        REQUIRE(index.add(static_cast<NumberIndex::Place>(numbers.size() - 1), number_of()));
    }
    [[nodiscard]] NumberIndex::Place find(std::uint64_t number) const
    {
        return index.find(number, number_of());
    }
    void remove(std::uint64_t number)
    {
        const NumberIndex::Place place = find(number);
        if (number % 2 == 0) {
            index.remove(place, number_of());
        } else {
            CHECK(index.take(number, number_of()) == place);
        }
    }
};

}  // namespace

TEST_CASE("a number is found until it is removed")
{
    Table table;
    CHECK(table.find(5) == NumberIndex::none);
    table.add(5);
    CHECK(table.find(5) == 0);
    CHECK(table.index.size() == 1);
    table.remove(5);
    CHECK(table.find(5) == NumberIndex::none);
    CHECK(table.index.size() == 0);
    CHECK(table.index.take(5, table.number_of()) == NumberIndex::none);
}

TEST_CASE("a number is had by one place")
{
    Table table;
    table.add(5);
    table.numbers.push_back(5);
    CHECK_FALSE(table.index.add(1, table.number_of()));
    CHECK(table.index.size() == 1);
    CHECK(table.find(5) == 0);
}

TEST_CASE("what a burst took is given back, but for what the next one needs")
{
    for (const std::size_t kept : {NumberIndex::kept_of_many, NumberIndex::kept_of_one}) {
        CAPTURE(kept);
        Table table{.numbers = {}, .index = NumberIndex{kept}};
        constexpr std::uint64_t burst = 100'000;
        for (std::uint64_t number = 1; number <= burst; ++number) {
            table.add(number);
        }
        CHECK(table.index.slots() >= 2 * burst);
        for (std::uint64_t number = 1; number <= burst; ++number) {
            table.remove(number);
        }
        CHECK(table.index.slots() == kept);
    }
}

TEST_CASE("a window of numbers that moves on leaves nothing behind")
{
    Table table;
    constexpr std::uint64_t window = 5000;
    for (std::uint64_t number = 1; number <= 200'000; ++number) {
        table.add(number);
        if (number > window) {
            table.remove(number - window);
        }
    }
    CHECK(table.index.size() == window);
    std::size_t seen = 0;
    table.index.each([&](NumberIndex::Place place) {
        CHECK(table.numbers[place] > 200'000 - window);
        ++seen;
    });
    CHECK(seen == window);
}

TEST_CASE("numbers of any distance agree with a plain map, and so they do when most have gone")
{
    for (const std::uint64_t stride : {1U, 16U, 64U, 4096U, 1U << 20U}) {
        CAPTURE(stride);
        Table table;
        std::map<std::uint64_t, NumberIndex::Place> expected;
        std::mt19937_64 random{stride};
        for (std::uint64_t i = 0; i < 50'000; ++i) {
            const std::uint64_t number = (i + 1) * stride;
            expected[number] = static_cast<NumberIndex::Place>(table.numbers.size());
            table.add(number);
        }
        while (expected.size() > 10) {
            const auto victim = expected.lower_bound(random() % (50'000 * stride));
            if (victim == expected.end()) {
                continue;
            }
            table.remove(victim->first);
            CHECK(table.find(victim->first) == NumberIndex::none);
            expected.erase(victim);
        }
        CHECK(table.index.size() == expected.size());
        for (const auto& [number, place] : expected) {
            CHECK(table.find(number) == place);
        }
    }
}
