// SPDX-License-Identifier: MIT
#include <cstdint>
#include <deque>
#include <random>

#include <doctest/doctest.h>

#include "client/event_queue.hpp"

namespace jobmill::tests {
namespace {

Tag taken(EventQueue& queue, std::size_t position)
{
    return std::get<event::Accepted>(queue.take(position)).tag;
}

}  // namespace

TEST_CASE("events leave in the order in which they came, wherever others are taken from")
{
    for (std::uint32_t seed = 0; seed < 50; ++seed) {
        CAPTURE(seed);
        std::mt19937 random{seed};
        const auto chance_of_push = 45 + random() % 15;
        const bool only_first = random() % 2 == 0;
        EventQueue queue;
        std::deque<Tag> expected;
        for (std::uint64_t tag = 1; tag < 4000; ++tag) {
            if (random() % 100 < chance_of_push || expected.empty()) {
                for (auto burst = random() % 8; burst > 0; --burst) {
                    queue.push(event::Accepted{.tag = Tag{tag * 8 + burst}});
                    expected.push_back(Tag{tag * 8 + burst});
                }
            } else {
                const std::size_t position = only_first ? 0 : random() % expected.size();
                REQUIRE(taken(queue, position) == expected[position]);
                expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(position));
            }
            REQUIRE(queue.size() == expected.size());
            REQUIRE(queue.empty() == expected.empty());
            if (!expected.empty()) {
                const std::size_t position = random() % expected.size();
                REQUIRE(std::get<event::Accepted>(queue[position]).tag == expected[position]);
            }
        }
        while (!expected.empty()) {
            REQUIRE(taken(queue, 0) == expected.front());
            expected.pop_front();
        }
        CHECK(queue.empty());
    }
}

TEST_CASE("the memory of events is used again, but not all is kept when there were many")
{
    EventQueue queue;
    const auto push = [&](std::uint64_t count) {
        for (; count > 0; --count) {
            queue.push(event::Accepted{.tag = Tag{count}});
        }
    };
    const auto take_all = [&] {
        while (!queue.empty()) {
            (void)queue.take(0);
        }
    };
    push(700);
    CHECK(queue.spare() == 0);
    take_all();
    const std::size_t spare = queue.spare();
    CHECK(spare > 500 * sizeof(ClientEvent));
    push(300);
    CHECK(queue.spare() <= spare - 200 * sizeof(ClientEvent));
    push(100'000);
    CHECK(queue.spare() == 0);
    take_all();
    CHECK(queue.spare() >= spare);
    CHECK(queue.spare() <= 2000 * sizeof(ClientEvent));
}

}  // namespace jobmill::tests
