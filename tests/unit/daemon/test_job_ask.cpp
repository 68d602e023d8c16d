// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "common/limits.hpp"
#include "daemon/core/dispatcher.hpp"
#include "daemon/job_ask.hpp"

using namespace jobmill;
using namespace jobmill::daemon;
using namespace std::chrono_literals;

TEST_CASE("a job that asks for nothing may neither run nor wait for ever")
{
    const core::JobTerms terms = resolve({}, PoolSettings{}, false).terms;
    CHECK(terms.run_timeout == 1h);
    CHECK(terms.queue_timeout == 168h);
}

TEST_CASE("no bound in time is what a job, or its pool, asks for by name")
{
    const JobOptions options{.timeout_ms = unlimited, .queue_timeout_ms = unlimited};
    CHECK(resolve(options, PoolSettings{}, false).terms.run_timeout == core::forever);
    CHECK(resolve(options, PoolSettings{}, false).terms.queue_timeout == core::forever);
    PoolSettings pool;
    pool.timeout.reset();
    pool.queue_timeout.reset();
    CHECK(resolve({}, pool, false).terms.run_timeout == core::forever);
    CHECK(resolve({.delay_ms = 5000}, pool, false).terms.queue_timeout == core::forever);
}

TEST_CASE("a pool's time to wait begins when the job's delay is over")
{
    PoolSettings pool;
    pool.queue_timeout = 2s;
    CHECK(resolve({.delay_ms = 5000}, pool, false).terms.queue_timeout == 7s);
    CHECK(resolve({.queue_timeout_ms = 3000, .delay_ms = 5000}, pool, false).terms.queue_timeout ==
          3s);
    // Ten years, the longest that may be asked for.
    CHECK(resolve({.delay_ms = 315'360'000'000}, pool, false).terms.queue_timeout == 315'360'002s);
}

TEST_CASE("of attempts so much is remembered as a result tells of them")
{
    Cause cause{.kind = "error", .text = std::string(4096, 't')};
    cause.stderr_tail = std::string(4000, 'e') + "the end";
    cause.stack = std::string(4088, 's');
    cause.note = std::string(150, 'n');
    JobAsk ask;
    CHECK(memory_of(ask.attempts) == 0);
    for (std::uint32_t i = 1; i <= 100; ++i) {
        remember(ask, {.state = JobState::failed, .worker = SlotId{i}, .cause = cause});
        CHECK(memory_of(ask.attempts) > ask.attempts.size() * 900);
    }
    REQUIRE(ask.attempts.size() == limits::attempts);
    CHECK(ask.attempts.front().worker == SlotId{101 - limits::attempts});
    CHECK(ask.attempts.back().cause.stderr_tail.ends_with("the end"));
    CHECK(ask.attempts.back().cause.note == cause.note);
    CHECK(memory_of(ask.attempts) < 16 * (sizeof(Attempt) + 1200));
}

TEST_CASE("a pool that imports is given ten minutes, and so is a worker that loads for itself")
{
    PoolSettings pool;
    CHECK(pool_terms(pool).more_to_load == core::Duration::zero());
    CHECK(pool_terms(pool).more_to_start == core::Duration::zero());
    pool.start = PoolSettings::Start::spawn;
    CHECK(pool_terms(pool).more_to_start == 1min);
    pool.runtime = PoolSettings::Runtime::python;
    CHECK(pool_terms(pool).more_to_load + core::Patience{}.load == 10min);
    CHECK(pool_terms(pool).more_to_start == 10min);
    pool.start = PoolSettings::Start::fork;
    CHECK(pool_terms(pool).more_to_start == core::Duration::zero());
}
