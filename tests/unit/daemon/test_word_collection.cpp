// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/word_collection.hpp"

using namespace jobmill::daemon;
namespace core = jobmill::core;

namespace {

struct Turns {
    WordCollection collection;
    core::TimePoint now{std::chrono::seconds{1}};

    bool after(core::Duration sleep, const Spin::Turn& turn)
    {
        now += sleep;
        return collection.is_due(turn, now);
    }
};

constexpr Spin::Turn full{.events = 1, .ended = 1, .sent = true, .busy_workers = 2, .cores = 2};

}  // namespace

TEST_CASE("who was woken by a result while all cores are busy asks for those of the others")
{
    Turns turns;
    CHECK(turns.after(WordCollection::long_sleep, full));
    CHECK(turns.after(WordCollection::long_sleep, full));
    Spin::Turn turn = full;
    --turn.ended;
    CHECK_FALSE(turns.after(WordCollection::long_sleep, turn));
    turn = full;
    turn.cores = 3;
    CHECK_FALSE(turns.after(WordCollection::long_sleep, turn));
}

TEST_CASE("who was woken by many submits asks for results, too, and by few not")
{
    Turns turns;
    Spin::Turn turn = full;
    turn.ended = 0;
    turn.events = WordCollection::many_events;
    CHECK(turns.after(WordCollection::long_sleep, turn));
    --turn.events;
    CHECK_FALSE(turns.after(WordCollection::long_sleep, turn));
}

TEST_CASE("a loop that goes on and on asks nobody: all come to it")
{
    Turns turns;
    CHECK(turns.after(WordCollection::long_sleep, full));
    for (int i = 0; i < 100; ++i) {
        CHECK_FALSE(turns.after(WordCollection::long_sleep - core::Duration{1}, full));
    }
    CHECK(turns.after(WordCollection::long_sleep, full));
}

TEST_CASE("more workers are asked only for more results")
{
    Turns turns;
    Spin::Turn turn{.events = 63, .ended = 15, .sent = true, .busy_workers = 64, .cores = 64};
    CHECK_FALSE(turns.after(WordCollection::long_sleep, turn));
    turn.ended = 16;
    CHECK(turns.after(WordCollection::long_sleep, turn));
}
