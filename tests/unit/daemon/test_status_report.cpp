// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/status_report.hpp"

using namespace jobmill;
using namespace jobmill::daemon;

TEST_CASE("the service manager is told how many pools there are and which are down")
{
    PoolDirectory pools{{"a", "b", "c"}};
    const OwnUser user{.uid = 7, .name = "anna"};
    CHECK(summary(pools, user) == "3 pools; jobs run as anna (uid 7)");
    pools.entry(PoolId{1}).state = PoolEntry::State::down;
    CHECK(summary(pools, user) == "3 pools, down: b; jobs run as anna (uid 7)");
    pools.entry(PoolId{2}).state = PoolEntry::State::down;
    CHECK(summary(pools, user) == "3 pools, down: b, c; jobs run as anna (uid 7)");
    CHECK(summary(PoolDirectory{{"one"}}, user) == "1 pool; jobs run as anna (uid 7)");
}
