// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/status_report.hpp"

using namespace jobmill;
using namespace jobmill::daemon;

TEST_CASE("the service manager is told how many pools there are and which are down")
{
    PoolDirectory pools{{"a", "b", "c"}};
    CHECK(summary(pools) == "3 pools");
    pools.entry(PoolId{1}).state = PoolEntry::State::down;
    CHECK(summary(pools) == "3 pools, down: b");
    pools.entry(PoolId{2}).state = PoolEntry::State::down;
    CHECK(summary(pools) == "3 pools, down: b, c");
    CHECK(summary(PoolDirectory{{"one"}}) == "1 pool");
}
