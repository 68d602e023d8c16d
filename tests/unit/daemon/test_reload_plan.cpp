// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/reload_plan.hpp"

namespace jobmill::daemon {
namespace {

using What = PoolChange::What;
using Texts = std::vector<std::string>;
using namespace std::chrono_literals;
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
    CHECK(made.pools.at(0).what == What::adjust);
    CHECK(made.changes == Texts{"pool a: workers 4 -> 1"});
}

TEST_CASE("pools come in the new order, and old names are said to go")
{
    const ReloadPlan made = plan(with({pool("a"), pool("b")}), with({pool("c", 2), pool("a")}));
    REQUIRE(made.pools.size() == 2);
    CHECK(made.pools[0].what == What::add);
    CHECK(made.pools[0].settings.name == "c");
    CHECK(made.pools[1].what == What::keep);
    CHECK(made.removed == Texts{"b"});
    CHECK(made.changes ==
          Texts{"pool c: new, 2 workers", "pool b: takes no more jobs, leaves after its last"});
}

TEST_CASE("whatever a template is made of makes a new one, and what it was is named")
{
    struct Row {
        const char* key;
        void (*change)(PoolSettings&);
    };
    const Row rows[] = {
        {"modules", [](PoolSettings& pool) { pool.modules = {"/x.so"}; }},
        {"runtime", [](PoolSettings& pool) { pool.runtime = PoolSettings::Runtime::python; }},
        {"interpreter", [](PoolSettings& pool) { pool.interpreter = "/opt/venv/bin/python"; }},
        {"preload", [](PoolSettings& pool) { pool.preload = {"numpy"}; }},
        {"initializer", [](PoolSettings& pool) { pool.initializer = "app:begin"; }},
        {"exec", [](PoolSettings& pool) { pool.exec = false; }},
        {"paths", [](PoolSettings& pool) { pool.paths = false; }},
        {"start", [](PoolSettings& pool) { pool.start = PoolSettings::Start::spawn; }},
        {"environment",
         [](PoolSettings& pool) {
             pool.environment = {{"A", "secret"}};
         }},
        {"cgroup", [](PoolSettings& pool) { pool.cgroup = PoolSettings::Cgroup::off; }},
        {"spin", [](PoolSettings& pool) { pool.spin = std::chrono::microseconds{20}; }},
    };
    const PoolSettings old = pool("a", 2);
    for (const Row& row : rows) {
        PoolSettings changed = old;
        row.change(changed);
        const ReloadPlan made = plan(with({old}), with({changed}), "a");
        CHECK(made.pools.at(0).what == What::replace);
        CHECK(made.changes == Texts{"pool a: loaded anew, changed: " + std::string{row.key}});
    }
    PoolSettings several = old;
    several.exec = true;
    several.cgroup = PoolSettings::Cgroup::require;
    several.workers = 3;
    CHECK(plan(with({old}), with({several})).changes ==
          Texts{"pool a: loaded anew, changed: exec, cgroup", "pool a: workers 2 -> 3"});
}

TEST_CASE("a pool that has aged is loaded anew even if nothing else has changed")
{
    const PoolSettings old = pool("a", 2);
    const ReloadPlan made = plan(with({old}), with({old}), "a");
    CHECK(made.pools.at(0).what == What::replace);
    CHECK(made.changes == Texts{"pool a: loaded anew"});
    CHECK(plan(with({old}), with({pool("a", 3)}), "a").pools.at(0).what == What::replace);
}

TEST_CASE("a pool works on by other numbers, and each is told")
{
    struct Row {
        const char* text;
        void (*change)(PoolSettings&);
    };
    const Row rows[] = {
        {"workers 2 -> 5", [](PoolSettings& pool) { pool.workers = 5; }},
        {"min_workers all -> 1", [](PoolSettings& pool) { pool.min_workers = 1; }},
        {"idle_timeout 1m -> 1s", [](PoolSettings& pool) { pool.idle_timeout = 1s; }},
        {"max_running unlimited -> 5", [](PoolSettings& pool) { pool.max_running = 5; }},
        {"weight 100 -> 5", [](PoolSettings& pool) { pool.weight = 5; }},
        {"timeout 1h -> 30m", [](PoolSettings& pool) { pool.timeout = 30min; }},
        {"timeout 1h -> unlimited", [](PoolSettings& pool) { pool.timeout.reset(); }},
        {"queue_timeout 168h -> 1h", [](PoolSettings& pool) { pool.queue_timeout = 1h; }},
        {"retry_crash 0 -> 5", [](PoolSettings& pool) { pool.retry_crash = 5; }},
        {"retry_timeout 0 -> 5", [](PoolSettings& pool) { pool.retry_timeout = 5; }},
        {"retry_failure 0 -> 5", [](PoolSettings& pool) { pool.retry_failure = 5; }},
        {"backoff 100ms -> 1s", [](PoolSettings& pool) { pool.backoff = 1s; }},
        {"backoff_max 30s -> 1m", [](PoolSettings& pool) { pool.backoff_max = 1min; }},
        {"memory unlimited -> 1 GiB",
         [](PoolSettings& pool) { pool.limits.memory = std::uint64_t{1} << 30U; }},
        {"cpu_time unlimited -> 90s", [](PoolSettings& pool) { pool.limits.cpu_ms = 90'000; }},
        {"file_size unlimited -> 5", [](PoolSettings& pool) { pool.limits.file_size = 5; }},
        {"open_files unlimited -> 5", [](PoolSettings& pool) { pool.limits.open_files = 5; }},
        {"processes unlimited -> 5", [](PoolSettings& pool) { pool.limits.processes = 5; }},
        {"nice 0 -> 5", [](PoolSettings& pool) { pool.limits.nice = 5; }},
        {"cpus all -> 0,2-3,63",
         [](PoolSettings& pool) { pool.limits.cpus = 0b1101 | (std::uint64_t{1} << 63U); }},
        {"cpus all -> 0-63", [](PoolSettings& pool) { pool.limits.cpus = UINT64_MAX; }},
        {"poison_after 3 -> 5", [](PoolSettings& pool) { pool.poison_after = 5; }},
        {"hang_timeout none -> 5s", [](PoolSettings& pool) { pool.hang_timeout = 5s; }},
        {"recycle_jobs unlimited -> 5", [](PoolSettings& pool) { pool.recycle_jobs = 5; }},
        {"recycle_age unlimited -> 5s", [](PoolSettings& pool) { pool.recycle_age = 5s; }},
        {"recycle_rss unlimited -> 1 KiB", [](PoolSettings& pool) { pool.recycle_rss = 1024; }},
    };
    const PoolSettings old = pool("a", 2);
    for (const Row& row : rows) {
        PoolSettings changed = old;
        row.change(changed);
        const ReloadPlan made = plan(with({old}), with({changed}));
        CHECK(made.pools.at(0).what == What::adjust);
        CHECK(made.pools.at(0).settings == changed);
        CHECK(made.changes == Texts{"pool a: " + std::string{row.text}});
    }
}

TEST_CASE("labels are told by what differs, and one that is gone has no bounds any more")
{
    Config now = with({pool("a")});
    now.labels = {{.name = "same", .weight = 3},
                  {.name = "less", .max_running = 4},
                  {.name = "gone", .max_running = 2, .weight = 7}};
    Config wanted = now;
    wanted.labels = {{.name = "same", .weight = 3},
                     {.name = "less", .max_running = 1},
                     {.name = "new", .weight = 9},
                     {.name = "plain"}};
    CHECK(plan(now, wanted).changes ==
          Texts{"label less: max_running 4 -> 1", "label new: weight 100 -> 9",
                "label gone: max_running 2 -> unlimited", "label gone: weight 7 -> 100"});
}

TEST_CASE("every setting that differs is told, and whether it needs a restart")
{
    Config now = with({pool("a")});
    now.max_payload = std::uint64_t{1} << 30U;  // as it is where there is memory enough
    now.max_bytes = std::uint64_t{8} << 30U;
    Config wanted = now;
    wanted.log_level = "debug";
    wanted.admin_group = "wheel";
    wanted.max_payload = 1024;
    wanted.max_jobs = 5;
    wanted.max_bytes = 5;
    wanted.max_sessions = 5;
    wanted.max_jobs_per_user = 5;
    wanted.max_bytes_per_user = unlimited;
    wanted.max_sessions_per_user = 5;
    wanted.max_jobs_per_session = 5;
    wanted.max_running = 5;
    wanted.min_free_memory = 1024;
    wanted.poison_kept = 5;
    wanted.credit_jobs = 7;
    wanted.credit_bytes = 7;
    wanted.frame_timeout = 7s;
    wanted.first_frame_timeout = 7s;
    wanted.stall_timeout = 7s;
    wanted.drain_timeout = 7s;
    wanted.idle_timeout = 5ms;
    wanted.unread_age = 7s;
    wanted.unread_bytes = 7;
    wanted.max_unread_bytes = 70;
    wanted.socket = "/x";
    wanted.socket_group = "x";
    wanted.state_dir = "/x";
    wanted.log_format = "json";
    CHECK(plan(now, wanted).changes == Texts{"log_level info -> debug",
                                             "admin_group none -> wheel",
                                             "max_payload 1 GiB -> 1 KiB",
                                             "max_jobs 1000000 -> 5",
                                             "max_bytes 8 GiB -> 5",
                                             "max_sessions 1024 -> 5",
                                             "max_jobs_per_user by default -> 5",
                                             "max_bytes_per_user by default -> unlimited",
                                             "max_sessions_per_user by default -> 5",
                                             "max_jobs_per_session by default -> 5",
                                             "max_running unlimited -> 5",
                                             "min_free_memory none -> 1 KiB",
                                             "poison_kept 1000 -> 5",
                                             "credit_jobs 1024 -> 7, for new sessions",
                                             "credit_bytes 16 MiB -> 7, for new sessions",
                                             "frame_timeout 10s -> 7s, for new sessions",
                                             "first_frame_timeout 5s -> 7s, for new sessions",
                                             "stall_timeout 30s -> 7s, for new sessions",
                                             "drain_timeout 30s -> 7s",
                                             "idle_timeout none -> 5ms",
                                             "unread_age 1h -> 7s",
                                             "unread_bytes 64 MiB -> 7",
                                             "max_unread_bytes by default -> 70",
                                             "socket: needs a restart",
                                             "socket_group: needs a restart",
                                             "state_dir: needs a restart",
                                             "log_format: needs a restart"});
}

}  // namespace jobmill::daemon
