// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/core/respawn_policy.hpp"

using namespace jobmill::core;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("a slot whose last process was ready is refilled at once")
{
    CHECK(worker_delay(0, Patience{}) == Duration::zero());
}

TEST_CASE("the delay doubles with each failed start, up to the longest")
{
    const Patience patience;
    CHECK(worker_delay(1, patience) == milliseconds{50});
    CHECK(worker_delay(2, patience) == milliseconds{100});
    CHECK(worker_delay(7, patience) == milliseconds{3200});
    CHECK(worker_delay(8, patience) == seconds{5});
    CHECK(worker_delay(4'000'000'000, patience) == seconds{5});
}

TEST_CASE("a lost template is started again at once the first time, then later and later")
{
    const Patience patience;
    CHECK(template_delay(0, patience) == Duration::zero());
    CHECK(template_delay(1, patience) == Duration::zero());
    CHECK(template_delay(2, patience) == milliseconds{50});
    CHECK(template_delay(3, patience) == milliseconds{100});
}

TEST_CASE("no backoff at all is possible")
{
    Patience patience;
    patience.first_backoff = Duration::zero();
    CHECK(worker_delay(100, patience) == Duration::zero());
}
