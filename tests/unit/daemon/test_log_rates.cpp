// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/log_rates.hpp"

using namespace std::chrono_literals;
using namespace jobmill::log;

namespace {

using LeftOuts = std::vector<EventRates::LeftOut>;

constexpr TimePoint start{};

}  // namespace

TEST_CASE("a burst passes, then one a period")
{
    TokenBucket bucket{3, 100ms, start};
    for (int i = 0; i < 3; ++i) {
        CHECK(bucket.take(start));
    }
    CHECK_FALSE(bucket.take(start));
    CHECK_FALSE(bucket.take(start + 99ms));
    CHECK(bucket.take(start + 100ms));
    CHECK_FALSE(bucket.take(start + 199ms));
    CHECK(bucket.take(start + 250ms));
    CHECK(bucket.take(start + 300ms));  // the half period was kept
    CHECK_FALSE(bucket.take(start + 300ms));
}

TEST_CASE("a bucket never holds more than its burst and takes no harm from a clock that steps back")
{
    TokenBucket bucket{2, 10ms, start};
    CHECK(bucket.take(start + 1h));
    CHECK(bucket.take(start + 1h));
    CHECK_FALSE(bucket.take(start + 1h));
    CHECK_FALSE(bucket.take(start));
    CHECK(bucket.take(start + 1h + 10ms));
    CHECK_FALSE(bucket.take(start + 1h + 10ms));
}

TEST_CASE("what is left out is counted for each event and said once, when there is room again")
{
    EventRates rates{2, 100ms};
    for (int i = 0; i < 2; ++i) {
        CHECK(rates.admit("crash", start));
        CHECK(rates.admit("refusal", start));
    }
    CHECK_FALSE(rates.admit("crash", start));
    CHECK_FALSE(rates.admit("crash", start + 1ms));
    CHECK_FALSE(rates.admit("refusal", start));
    CHECK(rates.admit("other", start));
    CHECK(rates.take_left_out(start + 99ms).empty());
    CHECK(rates.take_left_out(start + 100ms) == LeftOuts{{"crash", 2}, {"refusal", 1}});
    CHECK(rates.take_left_out(start + 1h).empty());
    CHECK(rates.take_all_left_out().empty());
}

TEST_CASE("at the end every count is said, whether there is room or not")
{
    EventRates rates{1, 1h};
    CHECK(rates.admit("crash", start));
    CHECK_FALSE(rates.admit("crash", start));
    CHECK(rates.take_all_left_out() == LeftOuts{{"crash", 1}});
    CHECK(rates.take_all_left_out().empty());
}
