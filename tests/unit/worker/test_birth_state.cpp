// SPDX-License-Identifier: MIT
#include <chrono>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "tests/unit/worker/worker_harness.hpp"
#include "worker/birth_state.hpp"

namespace jobmill::test {
namespace {

constexpr std::uint64_t us = 1000;

Arguments module_and_commands()
{
    return {"--module", JOBMILL_TEST_MODULES "/testhandlers.so", "--allow-exec"};
}

constexpr const char* spoilable[] = {"umask", "cwd",           "mask", "signals",
                                     "alarm", "virtual alarm", "rung"};

std::string said(const Answer& answer)
{
    std::string text;
    for (const std::string& chunk : answer.chunks) {
        text += chunk;
    }
    return text;
}

/// And a job that is not too short to be cleared up after, whatever came before it.
void spoil(TestWorker& worker, const std::string& what)
{
    CHECK(worker.run({.handler = "spoil", .payload = what}).succeeded);
    CHECK(worker.run({.handler = "cpu", .payload = "2"}).succeeded);
}

}  // namespace

TEST_CASE("a job of some length, or after a pause, is cleared up after at its end")
{
    RestoreTurns turns;
    CHECK(turns.due_after(9000 * us, 10'000 * us));
    CHECK_FALSE(turns.due_before(10'001 * us));
    CHECK(turns.due_after(10'001 * us, 11'001 * us));
    CHECK_FALSE(turns.due_before(20'000 * us));
    CHECK(turns.due_after(20'000 * us, 20'001 * us));
}

TEST_CASE("tiny jobs are cleared up after together, before a job that comes later")
{
    constexpr std::uint64_t cleared = 10'000;
    constexpr std::uint64_t again = cleared + 4000;
    RestoreTurns turns;
    CHECK(turns.due_after((cleared - 1000) * us, cleared * us));
    for (std::uint64_t at = cleared; at < again - 1; at += 10) {
        CHECK_FALSE(turns.due_before(at * us));
        CHECK_FALSE(turns.due_after(at * us, (at + 9) * us));
    }
    SUBCASE("at the end of one")
    {
        CHECK(turns.due_after((again - 1) * us, again * us));
        CHECK_FALSE(turns.due_before(again * us));
    }
    SUBCASE("before one")
    {
        CHECK(turns.due_before(again * us));
        CHECK_FALSE(turns.due_before((again + 1) * us));
        CHECK_FALSE(turns.due_after((again + 1) * us, (again + 2) * us));
    }
}

TEST_CASE("a tiny job is cleared up after before one that comes after a pause")
{
    RestoreTurns turns;
    CHECK(turns.due_after(9000 * us, 10'000 * us));
    CHECK_FALSE(turns.due_after(10'000 * us, 10'001 * us));
    CHECK_FALSE(turns.due_before(11'000 * us));
    CHECK(turns.due_before(11'001 * us));
    CHECK_FALSE(turns.due_before(11'002 * us));
}

TEST_CASE("or in the pause")
{
    RestoreTurns turns;
    CHECK(turns.due_after(9000 * us, 10'000 * us));
    CHECK_FALSE(turns.owed());
    CHECK_FALSE(turns.due_after(10'000 * us, 10'001 * us));
    CHECK(turns.owed());
    turns.restored(15'001 * us);
    CHECK_FALSE(turns.owed());
    CHECK_FALSE(turns.due_before(17'000 * us));
    CHECK_FALSE(turns.due_after(17'000 * us, 17'001 * us));
}

TEST_CASE("what a job changes of its process the next one does not see")
{
    TestTemplate pool{module_and_commands()};
    TestWorker worker = pool.fork();
    const std::string before = worker.run({.handler = "state"}).result;
    CHECK(before.find("blocked 0\n15 default\n3 handled\n17 default\n13 ignored\noff\noff\n") !=
          std::string::npos);
    for (const std::string what : spoilable) {
        CAPTURE(what);
        spoil(worker, what);
        CHECK(worker.run({.handler = "state"}).result == before);
    }
}

TEST_CASE("a timer that a job has left behind does not end the next one")
{
    TestTemplate pool{module_and_commands()};
    TestWorker worker = pool.fork();
    for (const std::string what : {"alarm", "virtual alarm", "rung"}) {
        CAPTURE(what);
        spoil(worker, what);
        CHECK(worker.run({.handler = "cpu", .payload = "100"}).succeeded);
    }
}

TEST_CASE("a timer that a tiny job has left behind does not end a worker without work")
{
    TestTemplate pool{module_and_commands()};
    TestWorker worker = pool.fork();
    CHECK(worker.run({.handler = "cpu", .payload = "2"}).succeeded);
    CHECK(worker.run({.handler = "spoil", .payload = "alarm"}).succeeded);
    // The timer is set to 50 ms.
    std::this_thread::sleep_for(std::chrono::milliseconds{300});
    CHECK(worker.run({.handler = "state"}).succeeded);
}

TEST_CASE("a command has the worker's directory and umask, not those of the job before")
{
    TestTemplate pool{module_and_commands()};
    TestWorker worker = pool.fork();
    const Work look{.handler = "exec", .args = {{"argv", Array{"sh", "-c", "pwd; umask"}}}};
    const std::string before = said(worker.run(look));
    CHECK_FALSE(before.empty());
    for (const std::string what : {"umask", "cwd"}) {
        spoil(worker, what);
    }
    CHECK(said(worker.run(look)) == before);
}

}  // namespace jobmill::test
