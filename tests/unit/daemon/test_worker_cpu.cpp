// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/worker_cpu.hpp"

using jobmill::daemon::WorkerCpu;

namespace {

constexpr std::uint64_t short_run = 20'000;
constexpr std::uint64_t long_run = jobmill::limits::exact_usage_ns;

}  // namespace

TEST_CASE("a worker's only job took all but its start")
{
    WorkerCpu cpu;
    cpu.begin(300);
    CHECK(cpu.of_last(1000) == 700);
    CHECK(cpu.of_last(200) == 0);
}

TEST_CASE("what a worker took for earlier jobs and between jobs is not its last one's")
{
    WorkerCpu cpu;
    cpu.begin(100);
    cpu.reported({.cpu_ns = 400}, long_run);
    cpu.begin(550);  // 50 of which between the two
    CHECK(cpu.of_last(1000) == 450);
}

TEST_CASE("children of earlier jobs are known from what those reported")
{
    WorkerCpu cpu;
    cpu.begin(100);
    cpu.reported({.cpu_ns = 5000}, long_run);
    cpu.begin(200);  // the other 4900 were its children's
    CHECK(cpu.of_last(6000) == 900);
}

TEST_CASE("an estimate says nothing about children, nor does no word at all")
{
    WorkerCpu cpu;
    cpu.begin(100);
    cpu.reported({.cpu_ns = 5000, .approximate = true}, short_run);
    cpu.begin(200);
    cpu.reported({}, short_run);
    cpu.begin(300);
    CHECK(cpu.of_last(1000) == 700);
}

TEST_CASE("of a command the peak is an estimate, its time is not")
{
    WorkerCpu cpu;
    cpu.begin(100);
    cpu.reported({.cpu_ns = 5000, .approximate = true}, long_run);
    cpu.begin(200);
    CHECK(cpu.of_last(6000) == 900);
}

TEST_CASE("a false word cannot make more of the last job than there was")
{
    WorkerCpu cpu;
    cpu.begin(100);
    cpu.reported({.cpu_ns = UINT64_MAX}, long_run);
    cpu.begin(200);
    CHECK(cpu.of_last(1000) == 0);
    cpu.begin(0);  // nothing could be read
    CHECK(cpu.of_last(1000) == 0);
}
