// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/job_defaults.hpp"

using namespace jobmill;
using namespace jobmill::daemon;
using namespace std::chrono_literals;

namespace {

constexpr PoolId pool{0};

struct Fixture {
    PoolDirectory pools{{"default", "other"}};
    JobDefaults defaults;

    DefaultsId take(PoolId of = pool, bool is_command = false)
    {
        return defaults.take(of, pools.entry(of), is_command);
    }
    void configure(int nice, PoolId which = pool)
    {
        PoolSettings settings;
        settings.limits.nice = nice;
        pools.configure(which, settings);
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "jobs that ask for nothing share what their pool gives them")
{
    configure(7);
    const DefaultsId first = take();
    CHECK(take() == first);
    CHECK(defaults[first].limits.nice == 7);
    CHECK(defaults[first].terms.spoils_worker);
    CHECK(defaults[first].jobs == 2);
    // A command's limits are a child's.
    const DefaultsId command = take(pool, true);
    CHECK(defaults[command].limits.nice == 7);
    CHECK_FALSE(defaults[command].terms.spoils_worker);
    CHECK(defaults[command].terms.alone);
}

TEST_CASE_FIXTURE(Fixture, "a job keeps what it got when its pool gives other things")
{
    const DefaultsId before = take();
    configure(7);
    const DefaultsId since = take();
    CHECK(defaults[before].limits.nice == 0);
    CHECK_FALSE(defaults[before].terms.alone);
    CHECK(defaults[since].limits.nice == 7);
    CHECK(defaults[since].terms.alone);
    CHECK(defaults.ask(before).limits == defaults[before].limits);
    CHECK(defaults.ask(since).terms == defaults[since].terms);
}

TEST_CASE_FIXTURE(Fixture, "what no job has any more is forgotten, but not what the next one gets")
{
    const DefaultsId first = take();
    const std::size_t of_one_pool = defaults.size();
    for (int nice = 1; nice < 20; ++nice) {
        configure(nice);
        defaults.release(take());
    }
    CHECK(defaults.size() == of_one_pool + 1);
    CHECK(defaults[first].limits.nice == 0);
    defaults.release(first);
    CHECK(defaults.size() == of_one_pool);
    CHECK(defaults[take()].limits.nice == 19);
}

TEST_CASE_FIXTURE(Fixture, "a pool does not inherit from one that had its number")
{
    configure(7, PoolId{1});
    const DefaultsId before = take(PoolId{1});
    pools.remove(PoolId{1});
    REQUIRE(pools.add("third") == PoolId{1});
    CHECK(defaults[take(PoolId{1})].limits.nice == 0);
    CHECK(defaults[before].limits.nice == 7);
}
