// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/reload_plan.hpp"

namespace jobmill::daemon {
namespace {

using What = PoolChange::What;
constexpr std::uint32_t cores = 4;

PoolSettings pool(const std::string& name, std::optional<std::uint32_t> workers = {})
{
    PoolSettings settings;
    settings.name = name;
    settings.workers = workers;
    return settings;
}

Config with(std::vector<PoolSettings> pools)
{
    Config config;
    config.pools = std::move(pools);
    return config;
}

ReloadPlan plan(const Config& now, const Config& wanted, const std::string& aged = "")
{
    return plan_reload(now, wanted, cores, [&](const std::string& name) { return name == aged; });
}

}  // namespace

TEST_CASE("the same configuration changes nothing")
{
    const Config config = with({pool("a"), pool("b", 3)});
    const ReloadPlan made = plan(config, config);
    CHECK(made.changes.empty());
    CHECK(made.removed.empty());
    for (const PoolChange& change : made.pools) {
        CHECK(change.what == What::keep);
    }
}

TEST_CASE("as many workers as there are cores is no change from that number")
{
    CHECK(plan(with({pool("a")}), with({pool("a", cores)})).changes.empty());
    const ReloadPlan made = plan(with({pool("a")}), with({pool("a", 1)}));
    CHECK(made.pools.at(0).what == What::resize);
    CHECK(made.changes == std::vector<std::string>{"pool a: 1 worker, was 4"});
}

TEST_CASE("pools come in the new order, and old names are said to go")
{
    const ReloadPlan made = plan(with({pool("a"), pool("b")}), with({pool("c", 2), pool("a")}));
    REQUIRE(made.pools.size() == 2);
    CHECK(made.pools[0].what == What::add);
    CHECK(made.pools[0].settings.name == "c");
    CHECK(made.pools[1].what == What::keep);
    CHECK(made.removed == std::vector<std::string>{"b"});
    CHECK(made.changes ==
          std::vector<std::string>{"pool c: new, 2 workers",
                                   "pool b: takes no more jobs, leaves after its last"});
}

TEST_CASE("whatever a template is made of makes a new one")
{
    const PoolSettings old = pool("a", 2);
    PoolSettings modules = old;
    modules.modules = {"/x.so"};
    PoolSettings exec = old;
    exec.exec = false;
    PoolSettings paths = old;
    paths.paths = false;
    PoolSettings start = old;
    start.start = PoolSettings::Start::spawn;
    PoolSettings environment = old;
    environment.environment = {{"A", "1"}};
    for (const PoolSettings& changed : {modules, exec, paths, start, environment}) {
        const ReloadPlan made = plan(with({old}), with({changed}));
        CHECK(made.pools.at(0).what == What::replace);
        CHECK(made.changes.size() == 1);
    }
    CHECK(plan(with({old}), with({old}), "a").pools.at(0).what == What::replace);
    CHECK(plan(with({old}), with({pool("a", 3)}), "a").pools.at(0).what == What::replace);
}

TEST_CASE("every setting that differs is named, and whether it needs a restart")
{
    const Config now = with({pool("a")});
    Config wanted = now;
    wanted.max_jobs = 5;
    wanted.credit_jobs = 7;
    wanted.socket = "/x";
    wanted.idle_timeout = std::chrono::milliseconds{5};
    CHECK(plan(now, wanted).changes ==
          std::vector<std::string>{"max_jobs: changed", "credit_jobs: changed, for new sessions",
                                   "idle_timeout: changed", "socket: needs a restart"});
}

}  // namespace jobmill::daemon
