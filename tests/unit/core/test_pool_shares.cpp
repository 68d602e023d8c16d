// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/core/pool_shares.hpp"

using namespace jobmill;
using namespace jobmill::core;
using std::chrono::milliseconds;

TEST_CASE("pools of equal weight are served in turn")
{
    PoolShares shares;
    const auto next = [&] {
        const PoolId pool{
            static_cast<std::uint16_t>(shares.standing(PoolId{1}) < shares.standing(PoolId{0}))};
        shares.serve(pool, milliseconds{1}, 100);
        return number(pool);
    };
    CHECK(next() == 0);
    CHECK(next() == 1);
    CHECK(next() == 0);
    CHECK(next() == 1);
}

TEST_CASE("a pool of three times the weight is served three times as often")
{
    PoolShares shares;
    int heavy = 0;
    for (int i = 0; i < 400; ++i) {
        const bool is_heavy = shares.standing(PoolId{1}) <= shares.standing(PoolId{0});
        shares.serve(PoolId{is_heavy}, milliseconds{1}, is_heavy ? 300 : 100);
        heavy += is_heavy ? 1 : 0;
    }
    CHECK(heavy >= 298);
    CHECK(heavy <= 302);
}

TEST_CASE("a pool that had nothing to do saves nothing up")
{
    PoolShares shares;
    for (int i = 0; i < 100; ++i) {
        shares.serve(PoolId{0}, milliseconds{1}, 100);
    }
    CHECK(shares.standing(PoolId{0}) - shares.standing(PoolId{1}) == 1'000'000);
}
