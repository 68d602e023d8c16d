// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/pool_plan.hpp"

using namespace jobmill::daemon;

namespace {

using Texts = std::vector<std::string>;

PoolSettings pool_of(std::optional<std::uint32_t> workers = {})
{
    return PoolSettings{.name = "p", .workers = workers};
}

}  // namespace

TEST_CASE("a pool has as many workers as it says, or one for each core")
{
    CHECK(workers_of(pool_of(3), 8) == 3);
    CHECK(workers_of(pool_of(), 8) == 8);
}

TEST_CASE("all workers are always there unless fewer are enough, and never more than all")
{
    CHECK(min_workers_of(pool_of(3), 8) == 3);
    CHECK(min_workers_of(pool_of(), 8) == 8);
    PoolSettings elastic = pool_of(3);
    elastic.min_workers = 2;
    CHECK(min_workers_of(elastic, 8) == 2);
    elastic.workers.reset();
    elastic.min_workers = 16;
    CHECK(min_workers_of(elastic, 8) == 8);
}

TEST_CASE("numeric libraries get the cores divided by the workers")
{
    CHECK(plan_pool(pool_of(2), 8, false, {}).environment == Texts{"OMP_NUM_THREADS=4"});
    CHECK(plan_pool(pool_of(3), 8, false, {}).environment == Texts{"OMP_NUM_THREADS=2"});
    CHECK(plan_pool(pool_of(), 8, false, {}).environment == Texts{"OMP_NUM_THREADS=1"});
    CHECK(plan_pool(pool_of(64), 8, false, {}).environment == Texts{"OMP_NUM_THREADS=1"});
}

TEST_CASE("an inherited number of threads stays as it is")
{
    const Texts inherited{"PATH=/bin", "OMP_NUM_THREADS=7"};
    CHECK(plan_pool(pool_of(2), 8, false, inherited).environment == inherited);
}

TEST_CASE("a variable that only looks alike does not count as a number of threads")
{
    const auto plan = plan_pool(pool_of(2), 8, false, {"OMP_NUM_THREADS_MAX=7"});
    CHECK(plan.environment == Texts{"OMP_NUM_THREADS_MAX=7", "OMP_NUM_THREADS=4"});
}

TEST_CASE("the pool's own environment wins over the inherited one, and over the default")
{
    PoolSettings pool = pool_of(2);
    pool.environment.emplace("OMP_NUM_THREADS", "3");
    pool.environment.emplace("PATH", "/opt/bin");
    const auto plan = plan_pool(pool, 8, false, {"PATH=/bin", "HOME=/root", "OMP_NUM_THREADS=7"});
    CHECK(plan.environment == Texts{"HOME=/root", "OMP_NUM_THREADS=3", "PATH=/opt/bin"});
    CHECK(plan_pool(pool, 8, false, {}).environment == Texts{"OMP_NUM_THREADS=3", "PATH=/opt/bin"});
}

TEST_CASE("what the service manager tells the daemon is not handed on")
{
    const Texts inherited{"NOTIFY_SOCKET=/run/n", "PATH=/bin",     "LISTEN_FDS=1",
                          "WATCHDOG_USEC=5",      "LISTEN_FDSX=1", "X=NOTIFY_SOCKET"};
    CHECK(plan_pool(pool_of(1), 1, false, inherited).environment ==
          Texts{"PATH=/bin", "LISTEN_FDSX=1", "X=NOTIFY_SOCKET", "OMP_NUM_THREADS=1"});
}

TEST_CASE("commands are offered, but not by the system's daemon unless it is told to")
{
    PoolSettings pool = pool_of();
    pool.paths = false;
    CHECK(plan_pool(pool, 1, false, {}).what_to_load == Texts{"--allow-exec"});
    CHECK(plan_pool(pool, 1, true, {}).what_to_load.empty());
    pool.exec = true;
    CHECK(plan_pool(pool, 1, true, {}).what_to_load == Texts{"--allow-exec"});
    pool.spin = std::chrono::microseconds{20};
    CHECK(plan_pool(pool, 1, true, {}).what_to_load == Texts{"--allow-exec", "--spin-us", "20"});
    pool.spin = {};
    pool.exec = false;
    CHECK(plan_pool(pool, 1, false, {}).what_to_load.empty());
}

TEST_CASE("jobs may name files, but not in the system's daemon unless it is told to")
{
    PoolSettings pool = pool_of();
    pool.exec = false;
    CHECK(plan_pool(pool, 1, false, {}).what_to_load == Texts{"--allow-paths"});
    CHECK(plan_pool(pool, 1, true, {}).what_to_load.empty());
    pool.paths = true;
    CHECK(plan_pool(pool, 1, true, {}).what_to_load == Texts{"--allow-paths"});
    pool.paths = false;
    CHECK(plan_pool(pool, 1, false, {}).what_to_load.empty());
}

TEST_CASE("modules are loaded in their order")
{
    PoolSettings pool = pool_of();
    pool.exec = false;
    pool.paths = false;
    pool.modules = {"/b.so", "/a.so"};
    CHECK(plan_pool(pool, 1, false, {}).what_to_load ==
          Texts{"--module", "/b.so", "--module", "/a.so"});
}

TEST_CASE("a pool's workers are forked unless they are to load for themselves")
{
    PoolSettings pool = pool_of();
    CHECK_FALSE(plan_pool(pool, 1, false, {}).spawn);
    pool.start = PoolSettings::Start::spawn;
    CHECK(plan_pool(pool, 1, false, {}).spawn);
}

TEST_CASE("a Python pool runs its interpreter by its name, and what we add to it")
{
    PoolSettings pool = pool_of(2);
    pool.runtime = PoolSettings::Runtime::python;
    pool.interpreter = "/opt/venv/bin/python";
    const PythonFiles files{.library = "/l/runtime.so", .bootstrap = "/p/_bootstrap.py"};
    CHECK(plan_pool(pool, 8, false, {}, files).command ==
          Texts{"/opt/venv/bin/python", "/p/_bootstrap.py", "/l/runtime.so", "--pool", "p", "--"});
    CHECK(plan_pool(pool, 8, false, {}, files).files == Texts{"/l/runtime.so", "/p/_bootstrap.py"});
    pool.preload = {"numpy", "app"};
    pool.initializer = "app:begin";
    CHECK(plan_pool(pool, 8, false, {}, files).command ==
          Texts{"/opt/venv/bin/python", "/p/_bootstrap.py", "/l/runtime.so", "--pool", "p",
                "--preload", "numpy", "--preload", "app", "--initializer", "app:begin", "--"});
    CHECK(plan_pool(pool_of(2), 8, false, {}, files).command == Texts{"jobmill-worker"});
    CHECK(plan_pool(pool_of(2), 8, false, {}, files).files.empty());
}

TEST_CASE("numeric libraries start no threads in a Python pool unless the pool says so")
{
    PoolSettings pool = pool_of(2);
    pool.runtime = PoolSettings::Runtime::python;
    const Texts alone{"MKL_NUM_THREADS=1", "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1"};
    CHECK(plan_pool(pool, 8, false, {}).environment == alone);
    CHECK(plan_pool(pool, 8, false, {"OMP_NUM_THREADS=7"}).environment == alone);
    pool.environment.emplace("OPENBLAS_NUM_THREADS", "4");
    CHECK(plan_pool(pool, 8, false, {}).environment ==
          Texts{"MKL_NUM_THREADS=1", "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=4"});
}
