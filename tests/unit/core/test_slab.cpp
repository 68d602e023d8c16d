// SPDX-License-Identifier: MIT
#include <memory>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include "daemon/core/slab.hpp"

namespace jobmill::core {

using Numbers = Slab<std::uint64_t>;

TEST_CASE("places are distinct, keep their values, and begin empty")
{
    Numbers slab;
    std::set<Numbers::Place> places;
    for (std::uint64_t i = 1; i <= 1000; ++i) {
        const auto place = slab.take();
        CHECK(slab[place] == 0);
        slab[place] = i;
        places.insert(place);
    }
    CHECK(places.size() == 1000);
    std::uint64_t sum = 0;
    for (const auto place : places) {
        sum += slab[place];
    }
    CHECK(sum == 1000U * 1001U / 2U);
}

TEST_CASE("a place that was given back is used again, and empty")
{
    Numbers slab;
    const auto place = slab.take();
    slab[place] = 7;
    slab.give_back(place);
    CHECK(slab.take() == place);
    CHECK(slab[place] == 0);
}

TEST_CASE("a value lives from the taking of its place to its giving back, or to the slab's end")
{
    const auto value = std::make_shared<int>(7);
    {
        Slab<std::shared_ptr<int>, 4> slab;
        std::vector<std::uint32_t> places;
        for (int i = 0; i < 6; ++i) {
            places.push_back(slab.take(value));
            CHECK(slab[places.back()] == value);
        }
        CHECK(value.use_count() == 7);
        slab.give_back(places[1]);
        slab.give_back(places[2]);
        CHECK(value.use_count() == 5);
        CHECK(slab[slab.take()] == nullptr);
        CHECK(slab.blocks() == 2);
    }
    CHECK(value.use_count() == 1);
}

TEST_CASE("blocks that are empty are given back, but one")
{
    Numbers slab;
    std::vector<Numbers::Place> places;
    for (Numbers::Place i = 0; i < 10 * Numbers::block_size; ++i) {
        places.push_back(slab.take());
    }
    CHECK(slab.blocks() == 10);
    const auto kept = places.back();
    places.pop_back();
    for (const auto place : places) {
        slab.give_back(place);
    }
    CHECK(slab.blocks() == 2);
    slab.give_back(kept);
    CHECK(slab.blocks() == 1);
    for (Numbers::Place i = 0; i < 3 * Numbers::block_size; ++i) {
        (void)slab.take();
    }
    CHECK(slab.blocks() == 3);
}

TEST_CASE("as many empty blocks stay as are to be kept, and are used again")
{
    Slab<std::uint64_t, 4, 3> slab;
    std::vector<std::uint32_t> places;
    places.reserve(std::size_t{10} * 4);
    for (int i = 0; i < 10 * 4; ++i) {
        places.push_back(slab.take());
    }
    for (int round = 0; round < 3; ++round) {
        for (const auto place : places) {
            slab.give_back(place);
        }
        CHECK(slab.blocks() == 3);
        places.clear();
        for (int i = 0; i < 3 * 4; ++i) {
            places.push_back(slab.take());
            CHECK(slab[places.back()] == 0);
            slab[places.back()] = 7;
        }
        CHECK(slab.blocks() == 3);
    }
    places.push_back(slab.take());
    CHECK(slab.blocks() == 4);
    CHECK(std::set<std::uint32_t>(places.begin(), places.end()).size() == 13);
}

TEST_CASE("a block with room in the middle is filled before another is made")
{
    Numbers slab;
    std::vector<Numbers::Place> places;
    for (Numbers::Place i = 0; i < 3 * Numbers::block_size; ++i) {
        places.push_back(slab.take());
    }
    slab.give_back(places[300]);
    slab.give_back(places[10]);
    slab.give_back(places[700]);
    std::set<Numbers::Place> again{slab.take(), slab.take(), slab.take()};
    CHECK(again == std::set<Numbers::Place>{places[10], places[300], places[700]});
    CHECK(slab.blocks() == 3);
}

}  // namespace jobmill::core
