// SPDX-License-Identifier: MIT
// What a worker says that its jobs took.
#include <doctest/doctest.h>

#include "tests/unit/worker/worker_harness.hpp"
#include "worker/heartbeat.hpp"
#include "worker/usage_meter.hpp"

namespace jobmill::test {
namespace {

const Arguments test_module{"--module", JOBMILL_TEST_MODULES "/testhandlers.so"};

// The sanitizer keeps what was freed.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool keeps_memory = true;
#else
constexpr bool keeps_memory = false;
#endif

constexpr std::uint64_t mebibyte = 1U << 20U;
constexpr std::uint64_t millisecond = 1'000'000;

}  // namespace

TEST_CASE("a job's CPU time is its own: not that of the jobs before it, nor its sleep")
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    const Usage burnt = worker.run({.handler = "cpu", .payload = "50"}).usage;
    REQUIRE(burnt.cpu_ns);
    CHECK(*burnt.cpu_ns >= 50 * millisecond);
    CHECK(*burnt.cpu_ns < 60 * millisecond);
    CHECK(!burnt.approximate);
    const Usage slept = worker.run({.handler = "sleep", .payload = "30ms"}).usage;
    REQUIRE(slept.cpu_ns);
    CHECK(*slept.cpu_ns < 5 * millisecond);
    CHECK(!slept.approximate);
}

TEST_CASE("a blob counts for the job that reads it, not for those after it")
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    const std::string large(64 * mebibyte, 'x');
    const Usage reader = worker.run({.handler = "sha256", .payload = large}).usage;
    REQUIRE(reader.peak_rss);
    CHECK(*reader.peak_rss > 64 * mebibyte);
    const Usage next = worker.run({.handler = "sleep", .payload = "2ms"}).usage;
    REQUIRE(next.peak_rss);
    CHECK(*next.peak_rss < *reader.peak_rss - 60 * mebibyte);
}

TEST_CASE("a job's peak is its own: not what a greater one before it had")
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    const std::string much = std::to_string(200 * mebibyte);
    const Usage great = worker.run({.handler = "eat", .payload = much}).usage;
    REQUIRE(great.peak_rss);
    CHECK(*great.peak_rss > 200 * mebibyte);
    CHECK(*great.peak_rss < 240 * mebibyte);
    const Usage small = worker.run({.handler = "sleep", .payload = "2ms"}).usage;
    REQUIRE(small.peak_rss);
    CHECK((keeps_memory || *small.peak_rss < 50 * mebibyte));
    CHECK(!small.approximate);
}

TEST_CASE("a spawned worker measures as a forked one does")
{
    TestTemplate pool{test_module};
    TestWorker worker = spawn_worker(test_module, pool.handlers());
    CHECK(*worker.run({.handler = "cpu", .payload = "5"}).usage.cpu_ns >= 5 * millisecond);
    const Usage usage = worker.run({.handler = "sleep", .payload = "2ms"}).usage;
    REQUIRE(usage.peak_rss);
    CHECK(*usage.peak_rss < 50 * mebibyte);
}

TEST_CASE("a job shorter than a millisecond has an estimate that says so")
{
    TestTemplate pool;
    TestWorker worker = pool.fork();
    // The machine may be busy: one of many is short.
    bool estimated = false;
    for (int i = 0; i < 50 && !estimated; ++i) {
        const Answer answer = worker.run({.handler = "echo", .payload = "x"});
        estimated = answer.usage.approximate && answer.usage.cpu_ns == answer.run_ns &&
                    answer.run_ns < millisecond;
    }
    CHECK(estimated);
}

TEST_CASE("many tiny jobs do not count for the long one behind them")
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    for (int i = 0; i < 200; ++i) {
        (void)worker.offer({.handler = "sum", .payload = "100000"});
    }
    const Sequence last = worker.offer({.handler = "sleep", .payload = "5ms"});
    for (std::uint64_t i = 1; i < number(last); ++i) {
        (void)worker.await_answer(Sequence{i});
    }
    CHECK(*worker.await_answer(last).usage.cpu_ns < 2 * millisecond);
}

TEST_CASE("amid tiny jobs one is measured that outweighs what its readings are old")
{
    UsageMeter meter;
    const std::uint64_t start = monotonic_ns();
    CHECK(meter.begin(start));
    CHECK(meter.end(millisecond / 1000).approximate);
    CHECK_FALSE(meter.begin(start + 1'500'000));
    SUBCASE("a longer one")
    {
        CHECK_FALSE(meter.end(3 * millisecond).approximate);
    }
    SUBCASE("a shorter one has an estimate, and the next one readings of its own")
    {
        const Usage usage = meter.end(3 * millisecond - 1);
        CHECK(usage.approximate);
        CHECK(usage.cpu_ns == 3 * millisecond - 1);
        CHECK(meter.begin(start + 1'500'001));
        CHECK_FALSE(meter.end(millisecond).approximate);
    }
    SUBCASE("and a tiny one goes on with them")
    {
        CHECK(meter.end(millisecond - 1).approximate);
        CHECK_FALSE(meter.begin(start + 1'999'999));
        CHECK(meter.end(1).approximate);
        CHECK(meter.begin(start + 2'000'000));
    }
}

TEST_CASE("short jobs that waited do not make the CPU time of a long one immense")
{
    UsageMeter meter;
    CHECK(meter.begin(monotonic_ns()));
    for (int i = 0; i < 100; ++i) {
        CHECK(meter.end(millisecond - 1).approximate);
    }
    const Usage slept = meter.end(2 * millisecond);
    CHECK(!slept.approximate);
    CHECK(*slept.cpu_ns == 0);
}

TEST_CASE("the peak is found in what the kernel writes")
{
    CHECK(peak_rss_in("Name:\tx\nVmPeak:\t 9 kB\nVmHWM:\t    1234 kB\nVmRSS:\t 1 kB\n") ==
          1234 * 1024);
    CHECK(peak_rss_in("Name:\tVmHWM:\nState:\tZ (zombie)\n") == 0);
    CHECK(peak_rss_in("\nVmHWM:") == 0);
    CHECK(peak_rss_in("") == 0);
}

}  // namespace jobmill::test
