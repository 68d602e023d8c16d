// SPDX-License-Identifier: MIT
// The real program, with this test in the daemon's place.
#include <csignal>

#include <doctest/doctest.h>

#include "common/outbox.hpp"
#include "common/progress_cell.hpp"
#include "tests/unit/worker/worker_harness.hpp"

namespace jobmill::test {

TEST_CASE("a template tells its handlers and forks a worker that is the daemon's child")
{
    TestTemplate pool;
    REQUIRE(std::holds_alternative<Loaded>(pool.first_word()));
    TestWorker worker = pool.fork();
    const auto all = children();
    CHECK(std::find(all.begin(), all.end(), worker.pid()) != all.end());
    CHECK(::getpgid(worker.pid()) == worker.pid());
    CHECK(::getsid(worker.pid()) == worker.pid());
}

TEST_CASE("a worker runs one job after another")
{
    TestTemplate pool;
    TestWorker worker = pool.fork();
    CHECK(worker.run({.handler = "echo", .payload = "hello"}).result == "hello");
    CHECK(worker.run({.handler = "sum", .payload = "100"}).result == "5050");
    CHECK(worker.run({.handler = "sleep", .payload = "1ms"}).run_ns >= 1'000'000);
    const Answer started = worker.run({.handler = "echo", .payload = "x", .want_started = true});
    CHECK(started.started);
}

}  // namespace jobmill::test
