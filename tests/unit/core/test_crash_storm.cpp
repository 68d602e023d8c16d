// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/core/crash_storm.hpp"

using namespace jobmill::core;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

struct Fixture {
    CrashStorm storm;
    TimePoint now{};

    /// Whether one of so many deaths made it a storm.
    bool deaths(int count, Duration apart, std::uint32_t workers = 1)
    {
        bool broke = false;
        for (int i = 0; i < count; ++i) {
            now += apart;
            broke = storm.crashed(now, workers, {}) || broke;
        }
        return broke;
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "ten deaths are not a storm, the eleventh is")
{
    CHECK_FALSE(deaths(10, milliseconds{1}));
    CHECK(storm.may_offer());
    CHECK(deaths(1, milliseconds{1}));
    CHECK(storm.degraded());
    CHECK_FALSE(storm.may_offer());
}

TEST_CASE_FIXTURE(Fixture, "a large pool bears twice as many deaths as it has workers")
{
    CHECK_FALSE(deaths(40, milliseconds{1}, 20));
    CHECK(deaths(1, milliseconds{1}, 20));
}

TEST_CASE_FIXTURE(Fixture, "deaths that are far apart are no storm")
{
    CHECK_FALSE(deaths(1000, seconds{2}));
}

TEST_CASE_FIXTURE(Fixture, "a job that comes to its end starts the count anew")
{
    deaths(10, milliseconds{1});
    CHECK_FALSE(storm.completed());
    CHECK_FALSE(deaths(10, milliseconds{1}));
}

TEST_CASE_FIXTURE(Fixture, "a storm is told once, and over with the first job that ends")
{
    CHECK(deaths(11, milliseconds{1}));
    CHECK_FALSE(deaths(100, milliseconds{1}));
    CHECK(storm.completed());
    CHECK_FALSE(storm.completed());
    CHECK(storm.may_offer());
}

TEST_CASE_FIXTURE(Fixture, "in a storm one job is offered for each probe")
{
    deaths(11, milliseconds{1});
    storm.allow_probe();
    CHECK(storm.may_offer());
    storm.probed();
    CHECK_FALSE(storm.may_offer());
}
