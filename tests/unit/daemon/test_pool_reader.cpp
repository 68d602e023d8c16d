// SPDX-License-Identifier: MIT
// What [pool.NAME] and [label.NAME] may say of jobs and workers.
#include <string>

#include <doctest/doctest.h>

#include "daemon/config.hpp"

using namespace jobmill;
using namespace jobmill::daemon;
using namespace std::chrono_literals;

namespace {

Config parsed(const std::string& text)
{
    auto config = parse_config(text, "jm.toml");
    REQUIRE_MESSAGE(config.has_value(), config.error().what);
    return std::move(*config);
}

PoolSettings pool(const std::string& lines)
{
    return parsed("[pool.a]\n" + lines).pools.at(0);
}

/// Of the second line, in a pool; "none" when all is good.
std::string complaint(const std::string& line, const std::string& table = "pool.a")
{
    const auto config = parse_config("[" + table + "]\n" + line + "\n", "jm.toml");
    return config ? "none" : config.error().what;
}

}  // namespace

TEST_CASE("a pool that says nothing has bounds all the same where no bound would be a trap")
{
    const PoolSettings plain = pool("");
    CHECK(plain.timeout == 1h);
    CHECK(plain.queue_timeout == 168h);
    CHECK_FALSE(plain.hang_timeout.has_value());
    CHECK(plain.retry_crash == 0);
    CHECK(plain.retry_timeout == 0);
    CHECK(plain.retry_failure == 0);
    CHECK(plain.backoff == 100ms);
    CHECK(plain.backoff_max == 30s);
    CHECK(plain.poison_after == 3);
    CHECK(plain.limits == JobLimits{});
    CHECK(plain.max_running == unlimited);
    CHECK(plain.weight == 100);
    CHECK_FALSE(plain.min_workers.has_value());
    CHECK(plain.idle_timeout == 60s);
    CHECK(plain.recycle_jobs == unlimited);
    CHECK_FALSE(plain.recycle_age.has_value());
    CHECK(plain.recycle_rss == unlimited);
    CHECK(plain.spin == 0us);
    CHECK(plain.cgroup == PoolSettings::Cgroup::automatic);
    CHECK(plain.environment.empty());
}

TEST_CASE("every key about workers is read")
{
    const PoolSettings read = pool(R"(
workers = 8
min_workers = 2
idle_timeout = "5s"
max_running = 6
weight = 1000
cgroup = "require"
hang_timeout = "20s"
recycle_jobs = 500
recycle_age = "12h"
recycle_rss = "1 GiB"
spin = "20us"
)");
    CHECK(read.workers == 8);
    CHECK(read.min_workers == 2);
    CHECK(read.idle_timeout == 5s);
    CHECK(read.max_running == 6);
    CHECK(read.weight == 1000);
    CHECK(read.cgroup == PoolSettings::Cgroup::require);
    CHECK(read.hang_timeout == 20s);
    CHECK(read.recycle_jobs == 500);
    CHECK(read.recycle_age == 12h);
    CHECK(read.recycle_rss == 1U << 30U);
    CHECK(read.spin == 20us);
    CHECK(pool("cgroup = \"off\"").cgroup == PoolSettings::Cgroup::off);
    CHECK(pool("cgroup = \"auto\"").cgroup == PoolSettings::Cgroup::automatic);
}

TEST_CASE("every default for jobs is read")
{
    const PoolSettings read = pool(R"(
timeout = "30m"
queue_timeout = "2h"
retry_crash = 1
retry_timeout = 2
retry_failure = 1000
backoff = "1s"
backoff_max = "24h"
poison_after = 5
memory = "512 MiB"
cpu_time = "90s"
file_size = "10 GiB"
open_files = 256
processes = 32
nice = 19
cpus = "0,2-3"
)");
    CHECK(read.timeout == 30min);
    CHECK(read.queue_timeout == 2h);
    CHECK(read.retry_crash == 1);
    CHECK(read.retry_timeout == 2);
    CHECK(read.retry_failure == 1000);
    CHECK(read.backoff == 1s);
    CHECK(read.backoff_max == 24h);
    CHECK(read.poison_after == 5);
    CHECK(read.limits == JobLimits{.memory = std::uint64_t{512} << 20U,
                                   .cpu_ms = 90'000,
                                   .file_size = std::uint64_t{10} << 30U,
                                   .open_files = 256,
                                   .processes = 32,
                                   .cpus = 0b1101,
                                   .nice = 19});
}

TEST_CASE("no bound is a word of its own")
{
    const PoolSettings read = pool(R"(
timeout = "unlimited"
queue_timeout = "unlimited"
hang_timeout = "none"
max_running = "unlimited"
memory = "unlimited"
cpu_time = "unlimited"
file_size = "unlimited"
open_files = "unlimited"
processes = "unlimited"
cpus = ""
recycle_jobs = "unlimited"
recycle_age = "unlimited"
recycle_rss = "unlimited"
spin = "none"
)");
    PoolSettings expected;
    expected.name = "a";
    expected.timeout.reset();
    expected.queue_timeout.reset();
    CHECK(read == expected);
}

TEST_CASE("what is wrong in a pool is said with its line and column")
{
    struct Row {
        const char* line;
        const char* complaint;
    };
    constexpr auto times = "want more than 0 and at most 87600h, or ";
    const Row rows[] = {
        {"min_workers = 0", "15: min_workers: want a number from 1 to 1024"},
        {"min_workers = 1025", "15: min_workers: want a number from 1 to 1024"},
        {"min_workers = \"cores\"", "15: min_workers: want a number from 1 to 1024"},
        {"min_workers = 3\nworkers = 2", "15: min_workers: more than workers"},
        {"idle_timeout = \"0s\"",
         "16: idle_timeout: \"0s\": want a duration such as \"5s\", 1ms to 876000h"},
        {"max_running = 0", "15: max_running: want a number from 1 to 1000000000 or \"unlimited\""},
        {"max_running = -1",
         "15: max_running: want a number from 1 to 1000000000 or \"unlimited\""},
        {"max_running = \"all\"",
         "15: max_running: want a number from 1 to 1000000000 or \"unlimited\""},
        {"weight = 0", "10: weight: want a number from 1 to 1000"},
        {"weight = 1001", "10: weight: want a number from 1 to 1000"},
        {"cgroup = \"yes\"", "10: cgroup: want \"auto\", \"off\" or \"require\""},
        {"cgroup = true", "10: cgroup: want \"auto\", \"off\" or \"require\""},
        {"timeout = 5", "11: timeout: want a duration such as \"5s\", or \"unlimited\""},
        {"timeout = \"0s\"", "11: timeout: TIMES\"unlimited\""},
        {"timeout = \"87601h\"", "11: timeout: TIMES\"unlimited\""},
        {"timeout = \"none\"",
         "11: timeout: \"none\": want a duration such as \"5s\", or \"unlimited\""},
        {"queue_timeout = \"0ms\"", "17: queue_timeout: TIMES\"unlimited\""},
        {"hang_timeout = \"0s\"", "16: hang_timeout: TIMES\"none\""},
        {"hang_timeout = \"499ms\"", "16: hang_timeout: want at least 500ms, or \"none\""},
        {"hang_timeout = \"unlimited\"",
         "16: hang_timeout: \"unlimited\": want a duration such as \"5s\", or \"none\""},
        {"retry_crash = -1", "15: retry_crash: want a number from 0 to 1000"},
        {"retry_timeout = 1001", "17: retry_timeout: want a number from 0 to 1000"},
        {"retry_failure = \"unlimited\"", "17: retry_failure: want a number from 0 to 1000"},
        {"backoff = \"0s\"", "11: backoff: \"0s\": want a duration such as \"5s\", 1ms to 24h"},
        {"backoff = \"31s\"", "11: backoff: more than backoff_max"},
        {"backoff_max = \"50ms\"", "15: backoff: more than backoff_max"},
        {"backoff_max = \"25h\"",
         "15: backoff_max: \"25h\": want a duration such as \"5s\", 1ms to 24h"},
        {"poison_after = 0", "16: poison_after: want a number from 1 to 1000"},
        {"poison_after = \"unlimited\"", "16: poison_after: want a number from 1 to 1000"},
        {"memory = \"0\"", "10: memory: want 1 byte to 1024 TiB, or \"unlimited\""},
        {"memory = \"1025 TiB\"", "10: memory: want 1 byte to 1024 TiB, or \"unlimited\""},
        {"memory = \"much\"",
         "10: memory: \"much\": want a size such as \"64 MiB\", or \"unlimited\""},
        {"memory = 5", "10: memory: want a size such as \"64 MiB\", or \"unlimited\""},
        {"cpu_time = \"0s\"", "12: cpu_time: TIMES\"unlimited\""},
        {"file_size = \"0\"", "13: file_size: want 1 byte to 1024 TiB, or \"unlimited\""},
        {"open_files = 0", "14: open_files: want a number from 1 to 1000000000 or \"unlimited\""},
        {"processes = 1.5", "13: processes: want a number from 1 to 1000000000 or \"unlimited\""},
        {"nice = -1", "8: nice: want a number from 0 to 19"},
        {"nice = 20", "8: nice: want a number from 0 to 19"},
        {"cpus = 3", "8: cpus: want CPUs such as \"0,2-3\""},
        {"cpus = \"0-64\"", "8: cpus: want CPUs of 0 to 63"},
        {"recycle_jobs = 0",
         "16: recycle_jobs: want a number from 1 to 1000000000 or \"unlimited\""},
        {"recycle_age = \"99ms\"", "15: recycle_age: want at least 100ms"},
        {"spin = 20", "8: spin: want from \"1us\" to \"1ms\", or \"none\""},
        {"spin = \"0us\"", "8: spin: \"0us\": want from \"1us\" to \"1ms\", or \"none\""},
        {"spin = \"1001us\"", "8: spin: \"1001us\": want from \"1us\" to \"1ms\", or \"none\""},
        {"spin = \"1s\"", "8: spin: \"1s\": want from \"1us\" to \"1ms\", or \"none\""},
        {"recycle_rss = \"0\"", "15: recycle_rss: want 1 byte to 1024 TiB, or \"unlimited\""},
    };
    for (const Row& row : rows) {
        CAPTURE(row.line);
        std::string expected = row.complaint;
        if (const auto at = expected.find("TIMES"); at != std::string::npos) {
            expected.replace(at, 5, times);
        }
        CHECK(complaint(row.line) == "jm.toml:2:" + expected);
    }
}

TEST_CASE("a list of CPUs is at most as long as on the wire")
{
    std::string list = "1";
    while (list.size() < 127) {
        list += ",1";
    }
    CHECK(pool("cpus = \"" + list + "\"").limits.cpus == 0b10);
    CHECK(complaint("cpus = \"" + list + ",1\"") == "jm.toml:2:8: cpus: want at most 128 bytes");
}

TEST_CASE("labels have a weight and a number of jobs at the same time")
{
    const Config config = parsed(R"(
[label.nightly]
max_running = 2
weight = 10
["label"."any text \u00e9"]
[label.free]
max_running = "unlimited"
)");
    CHECK(config.labels == std::vector<LabelSettings>{
                               {.name = "any text \u00e9", .max_running = unlimited, .weight = 100},
                               {.name = "free", .max_running = unlimited, .weight = 100},
                               {.name = "nightly", .max_running = 2, .weight = 10}});
    CHECK(config.pools.size() == 1);
}

TEST_CASE("what is wrong in a label is said with its line and column")
{
    CHECK(complaint("max_running = 0", "label.a") ==
          "jm.toml:2:15: max_running: want a number from 1 to 1000000000 or \"unlimited\"");
    CHECK(complaint("weight = 0", "label.a") ==
          "jm.toml:2:10: weight: want a number from 1 to 1000");
    CHECK(complaint("timeout = \"5s\"", "label.a") ==
          "jm.toml:2:1: unknown key \"timeout\" in label.a");
    CHECK(complaint("a = 1", "label") == "jm.toml:2:5: label.a: want a table");
    CHECK(complaint("", "label.\"\"") == "jm.toml:1:8: label name: want 1 to 128 bytes");
    CHECK(complaint("", "label." + std::string(129, 'x')) ==
          "jm.toml:1:8: label name: want 1 to 128 bytes");
    CHECK(complaint("", "label." + std::string(128, 'x')) == "none");
}

TEST_CASE("so many labels may have rules as those that are adjusted")
{
    std::string text = "[label.free]\n";
    for (int i = 1; i <= 256; ++i) {
        text += "[label.l" + std::to_string(i) + "]\nweight = 7\n";
    }
    CHECK(parsed(text).labels.size() == 257);
    const auto config = parse_config(text + "[label.more]\nmax_running = 1\n", "jm.toml");
    REQUIRE_FALSE(config.has_value());
    CHECK(config.error().what == "jm.toml:1:1: label: want rules for at most 256 labels, not 257");
}

TEST_CASE("a pool is native unless it says that it is Python")
{
    const PoolSettings plain = pool("");
    CHECK(plain.runtime == PoolSettings::Runtime::native);
    CHECK(pool("runtime = \"native\"").runtime == PoolSettings::Runtime::native);
    const PoolSettings python = pool("runtime = \"python\"");
    CHECK(python.runtime == PoolSettings::Runtime::python);
    CHECK(python.interpreter == "/usr/bin/python3");
    CHECK(python.preload.empty());
    CHECK(python.initializer.empty());
}

TEST_CASE("a Python pool names its interpreter, modules and initializer")
{
    const PoolSettings python = pool(
        "runtime = \"python\"\n"
        "interpreter = \"/opt/venv/bin/python\"\n"
        "preload = [\"numpy\", \"_app.io2\", \"été\"]\n"
        "initializer = \"app.start:Pool.begin\"\n");
    CHECK(python.interpreter == "/opt/venv/bin/python");
    CHECK(python.preload == std::vector<std::string>{"numpy", "_app.io2", "été"});
    CHECK(python.initializer == "app.start:Pool.begin");
}

TEST_CASE("what is for Python is refused where it cannot be, with its place")
{
    CHECK(complaint("runtime = \"ruby\"") ==
          "jm.toml:2:11: runtime: want \"native\" or \"python\"");
    CHECK(complaint("interpreter = \"/usr/bin/python3\"") ==
          "jm.toml:2:15: interpreter: is for pools with runtime = \"python\"");
    CHECK(complaint("preload = []") ==
          "jm.toml:2:11: preload: is for pools with runtime = \"python\"");
    CHECK(complaint("runtime = \"native\"\ninitializer = \"a:b\"") ==
          "jm.toml:3:15: initializer: is for pools with runtime = \"python\"");
}

TEST_CASE("Python's keys are judged, each with what it wants")
{
    const auto of_python = [](const std::string& line) {
        return complaint("runtime = \"python\"\n" + line);
    };
    CHECK(of_python("interpreter = \"python3\"") ==
          "jm.toml:3:15: interpreter: want an absolute path of at most 4095 bytes");
    CHECK(of_python("interpreter = \"/a\\u0000\"") == "jm.toml:3:15: interpreter: a zero byte");
    CHECK(of_python("interpreter = \"/" + std::string(4095, 'a') + "\"") ==
          "jm.toml:3:15: interpreter: want an absolute path of at most 4095 bytes");
    CHECK(of_python("preload = \"numpy\"") ==
          "jm.toml:3:11: preload: want a list of at most 256 names of modules");
    std::string many = "preload = [";
    for (int i = 0; i < 257; ++i) {
        many += "\"a\",";
    }
    CHECK(of_python(many + "]") ==
          "jm.toml:3:11: preload: want a list of at most 256 names of modules");
    for (const std::string name :
         {"", ".", "a.", ".a", "a..b", "1a", "a.1", "a b", "a-b", "a:b", "a\\u0000"}) {
        CAPTURE(name);
        CHECK(of_python("preload = [\"" + name + "\"]") ==
              "jm.toml:3:12: preload: want names of modules such as \"package.module\", of at most "
              "256 bytes");
    }
    CHECK(of_python("preload = [\"" + std::string(256, 'a') + "\"]") == "none");
    CHECK(of_python("preload = [\"" + std::string(257, 'a') + "\"]") != "none");
    for (const std::string name : {"", "a", "a:", ":b", "a:b:c", "a: b", "1:b"}) {
        CAPTURE(name);
        CHECK(of_python("initializer = \"" + name + "\"") ==
              "jm.toml:3:15: initializer: want \"MODULE:FUNCTION\", each of at most 256 bytes");
    }
}
