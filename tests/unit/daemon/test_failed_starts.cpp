// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/failed_starts.hpp"

using namespace jobmill;
using jobmill::daemon::FailedStarts;
using namespace std::chrono_literals;

namespace {

constexpr PoolId pool{0};
constexpr PoolId other{1};

WorkerId worker(std::uint32_t slot, std::uint32_t generation = 1)
{
    return {.slot = SlotId{slot}, .generation = generation};
}

/// So many starts in that slot that come to nothing; whether the last makes the pool hopeless, and
/// no other before it.
bool fail(FailedStarts& starts, std::uint32_t slot, unsigned times)
{
    for (unsigned i = 1; i < times; ++i) {
        CHECK_FALSE(starts.ended(pool, worker(slot, i), true));
    }
    return starts.ended(pool, worker(slot, times), true);
}

}  // namespace

TEST_CASE("a pool is hopeless whose workers die again and again before they are ready")
{
    FailedStarts starts;
    REQUIRE(fail(starts, 1, FailedStarts::hopeless));
    CHECK(starts.ended(pool, worker(1, 9), true));
    CHECK_FALSE(starts.ended(other, worker(2), true));
    SUBCASE("until one of them is ready")
    {
        CHECK(starts.ready(pool, worker(2)));
        CHECK_FALSE(starts.ready(pool, worker(3)));
        CHECK_FALSE(starts.ended(pool, worker(2), true));
        CHECK_FALSE(starts.ended(pool, worker(3), true));
        CHECK(fail(starts, 1, FailedStarts::hopeless));
    }
    SUBCASE("or there is no such pool any more")
    {
        starts.forget(pool);
        CHECK_FALSE(starts.ended(pool, worker(1), true));
    }
}

TEST_CASE("many workers that die once make no pool hopeless")
{
    FailedStarts starts;
    for (std::uint32_t slot = 1; slot <= 2 * FailedStarts::hopeless; ++slot) {
        CHECK_FALSE(starts.ended(pool, worker(slot), true));
    }
}

TEST_CASE("no pool is hopeless that has a worker")
{
    FailedStarts starts;
    CHECK_FALSE(starts.ready(pool, worker(2)));
    CHECK_FALSE(fail(starts, 1, 2 * FailedStarts::hopeless));
    CHECK_FALSE(starts.ended(pool, worker(2), true));
    CHECK(starts.ended(pool, worker(1), true));
}

TEST_CASE("a pool is hopeless for which no worker can be made for a while")
{
    FailedStarts starts;
    const core::TimePoint begin{1h};
    for (const auto after : {0s, 1s, 5s, 9s}) {
        CHECK_FALSE(starts.refused(pool, begin + after));
    }
    SUBCASE("and stays so until one of its workers is ready")
    {
        CHECK_FALSE(starts.is_hopeless(pool));
        CHECK(starts.refused(pool, begin + 10s));
        CHECK_FALSE(starts.refused(other, begin + 10s));
        CHECK(starts.refused(pool, begin + 1h));
        CHECK(starts.is_hopeless(pool));
        CHECK_FALSE(starts.is_hopeless(other));
        CHECK(starts.ready(pool, worker(1)));
        CHECK_FALSE(starts.is_hopeless(pool));
        CHECK_FALSE(starts.refused(pool, begin + 2h));
        CHECK_FALSE(starts.ended(pool, worker(1), true));
        CHECK_FALSE(starts.refused(pool, begin + 2h));
        CHECK_FALSE(starts.refused(pool, begin + 2h + 9s));
        CHECK(starts.refused(pool, begin + 2h + 10s));
    }
    SUBCASE("unless one was ready meanwhile")
    {
        CHECK_FALSE(starts.ready(pool, worker(1)));
        CHECK_FALSE(starts.refused(pool, begin + 12s));
    }
    SUBCASE("however long a try takes")
    {
        CHECK(starts.refused(pool, begin + 2min));
    }
    SUBCASE("but not by tries with a long time between them, in which none was wanted")
    {
        CHECK_FALSE(starts.refused(pool, begin + 1h));
        CHECK_FALSE(starts.refused(pool, begin + 2h));
    }
}

TEST_CASE("who was told to leave has not failed to start")
{
    FailedStarts starts;
    for (unsigned i = 0; i < 2 * FailedStarts::hopeless; ++i) {
        CHECK_FALSE(starts.ended(pool, worker(1, i + 1), false));
    }
}
