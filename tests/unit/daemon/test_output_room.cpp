// SPDX-License-Identifier: MIT
#include <deque>

#include <doctest/doctest.h>

#include "daemon/output_room.hpp"

namespace jobmill::daemon {
namespace {

constexpr unsigned ann = 1000;
constexpr unsigned bob = 1001;
constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;
constexpr OutputRoom::Limits small{.user = 8 * mebibyte, .all = 12 * mebibyte};

/// A session that hears of turns.
struct Session {
    Session(OutputRoom& room, unsigned uid) : share(room, uid, [this] { ++turns; }) {}

    int turns = 0;
    OutputRoom::Share share;
};

}  // namespace

TEST_CASE("what is left of a user's room is what each of his sessions may have")
{
    OutputRoom room{small};
    OutputRoom::Share one{room, ann, [] {}};
    const OutputRoom::Share two{room, ann, [] {}};
    CHECK(one.window() == 8 * mebibyte);
    one.take(3 * mebibyte);
    CHECK(one.window() == 5 * mebibyte);
    CHECK(two.window() == 5 * mebibyte);
    one.take(mebibyte);
    CHECK(two.window() == 7 * mebibyte);
}

TEST_CASE("sessions that take as much as they may fill the room and no more")
{
    for (const int sessions : {1, 6, 100}) {
        CAPTURE(sessions);
        OutputRoom room{small};
        std::deque<OutputRoom::Share> shares;
        std::deque<std::uint64_t> taken;
        for (int i = 0; i < sessions; ++i) {
            shares.emplace_back(room, ann, [] {});
            taken.push_back(0);
        }
        constexpr std::uint64_t result = 10'000;
        std::uint64_t sum = 0;
        for (bool any = true; any;) {
            any = false;
            for (std::size_t i = 0; i < shares.size(); ++i) {
                if (taken[i] <= shares[i].window() && !shares[i].closed()) {
                    taken[i] += result;
                    sum += result;
                    shares[i].take(taken[i]);
                    any = true;
                }
            }
        }
        CHECK(sum <= small.user + shares.size() * (OutputRoom::least + result));
    }
}

TEST_CASE("who reads goes on beside who has taken everything, of his own user and of others")
{
    OutputRoom room{small};
    OutputRoom::Share silent{room, ann, [] {}};
    const OutputRoom::Share own{room, ann, [] {}};
    const OutputRoom::Share other{room, bob, [] {}};
    silent.take(9 * mebibyte);
    CHECK(own.window() == OutputRoom::least);
    CHECK(other.window() == 3 * mebibyte);
    silent.take(300 * mebibyte);
    CHECK(other.window() == OutputRoom::least);
    silent.take(0);
    CHECK(own.window() == 8 * mebibyte);
    CHECK(other.window() == 8 * mebibyte);
}

TEST_CASE("the room of a session that ends is free again")
{
    OutputRoom room{small};
    const OutputRoom::Share own{room, ann, [] {}};
    {
        OutputRoom::Share gone{room, ann, [] {}};
        gone.take(8 * mebibyte);
        CHECK(own.window() == OutputRoom::least);
        CHECK(gone.window() == OutputRoom::least);
    }
    CHECK(own.window() == 8 * mebibyte);
}

TEST_CASE("what comes at once has room beside what other sessions have, or alone")
{
    OutputRoom room{small};
    OutputRoom::Share one{room, ann, [] {}};
    OutputRoom::Share two{room, ann, [] {}};
    OutputRoom::Share other{room, bob, [] {}};
    CHECK(one.has_room(100 * mebibyte));
    one.take(6 * mebibyte);
    CHECK(one.has_room(100 * mebibyte));
    CHECK(two.has_room(2 * mebibyte));
    CHECK_FALSE(two.has_room(2 * mebibyte + 1));
    CHECK(two.has_room(0));
    CHECK(other.has_room(100 * mebibyte));
    other.take(OutputRoom::least + 1);
    CHECK(other.has_room(6 * mebibyte));
    CHECK_FALSE(other.has_room(6 * mebibyte + 1));
}

TEST_CASE("two that are far beyond what their user may have are too much")
{
    OutputRoom room{small};
    Session one{room, ann};
    Session two{room, ann};
    one.share.take(100 * mebibyte);
    CHECK_FALSE(one.share.closed());
    two.share.take(mebibyte);
    CHECK(two.share.closed());
    CHECK(one.turns == 1);
    one.share.take(20 * mebibyte);
    CHECK(two.share.closed());
    one.share.take(4 * mebibyte);
    CHECK_FALSE(two.share.closed());
}

TEST_CASE("one result for each of many sessions that never read is too much")
{
    OutputRoom room{small};
    std::deque<Session> silent;
    for (std::size_t i = 0; i <= OutputRoom::most_hoarders; ++i) {
        silent.emplace_back(room, ann);
    }
    Session idle{room, ann};
    const OutputRoom::Share other{room, bob, [] {}};
    for (std::size_t i = 0; i < OutputRoom::most_hoarders; ++i) {
        silent[i].share.take((i == 0 ? 10 : 2) * mebibyte);
    }
    CHECK_FALSE(idle.share.closed());
    silent.back().share.take(2 * mebibyte);
    CHECK(idle.share.closed());
    CHECK(silent.front().share.closed());
    CHECK_FALSE(other.closed());
    CHECK(idle.turns == 1);
    CHECK(silent.front().turns == 1);
    CHECK(silent.back().turns == 0);
    // All but one of them are let go; then that one reads.
    for (std::size_t i = 1; i < silent.size(); ++i) {
        silent[i].share.end();
        silent[i].share.take(mebibyte);
    }
    CHECK(idle.share.closed());
    silent.front().share.take(7 * mebibyte);
    CHECK(idle.share.closed());
    silent.front().share.take(6 * mebibyte);
    CHECK_FALSE(idle.share.closed());
    CHECK(idle.turns == 2);
}

TEST_CASE("other limits hold from then on")
{
    OutputRoom room{small};
    OutputRoom::Share share{room, ann, [] {}};
    share.take(2 * mebibyte);
    room.set_limits({.user = 3 * mebibyte, .all = 12 * mebibyte});
    CHECK(share.window() == mebibyte);
    room.set_limits({.user = mebibyte, .all = mebibyte});
    CHECK(share.window() == OutputRoom::least);
}

}  // namespace jobmill::daemon
