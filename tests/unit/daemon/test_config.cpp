// SPDX-License-Identifier: MIT
#include <string>

#include <doctest/doctest.h>

#include "daemon/config.hpp"
#include "tests/unit/daemon/temp_directory.hpp"

using namespace jobmill;
using namespace jobmill::daemon;
using namespace std::chrono_literals;
using jobmill::tests::TempDirectory;

namespace {

Config parsed(std::string_view text)
{
    auto config = parse_config(text, "jm.toml");
    REQUIRE_MESSAGE(config.has_value(), config.error().what);
    return std::move(*config);
}

std::string complaint(std::string_view text)
{
    const auto config = parse_config(text, "jm.toml");
    return config ? "none" : config.error().what;
}

}  // namespace

TEST_CASE("without a file there is one pool, called default, with a worker for each core")
{
    const Config config = default_config();
    REQUIRE(config.pools.size() == 1);
    CHECK(config.pools[0].name == "default");
    CHECK_FALSE(config.pools[0].workers.has_value());
    CHECK_FALSE(config.pools[0].exec.has_value());
    CHECK(config.pools[0].start == PoolSettings::Start::fork);
}

TEST_CASE("an empty configuration is the default one")
{
    const Config config = parsed("# nothing\n");
    CHECK(config.pools.size() == 1);
    CHECK(config.pools[0].name == "default");
    CHECK(config.max_payload == limits::payload);
    CHECK_FALSE(config.socket.has_value());
}

TEST_CASE("every key of the daemon is read")
{
    const Config config = parsed(R"(
socket = "/run/jm/s"
socket_group = "staff"
state_dir = "/var/jm"
log_level = "debug"
max_payload = "2 MiB"
max_jobs = 7
max_bytes = "3GiB"
max_sessions = 11
credit_jobs = 5
credit_bytes = "64 KiB"
drain_timeout = "0s"
frame_timeout = "250ms"
unread_age = "10m"
unread_bytes = "1000"
max_unread_bytes = "3000"
)");
    CHECK(config.socket == "/run/jm/s");
    CHECK(config.socket_group == "staff");
    CHECK(config.state_dir == "/var/jm");
    CHECK(config.log_level == "debug");
    CHECK(config.max_payload == 2U << 20U);
    CHECK(config.max_jobs == 7);
    CHECK(config.max_bytes == std::uint64_t{3} << 30U);
    CHECK(config.max_sessions == 11);
    CHECK(config.credit_jobs == 5);
    CHECK(config.credit_bytes == 64U << 10U);
    CHECK(config.drain_timeout == 0ms);
    CHECK(config.frame_timeout == 250ms);
    CHECK(config.unread_age == 10min);
    CHECK(config.unread_bytes == 1000);
    CHECK(unread_total(config) == 3000);
    CHECK(unread_total(parsed("unread_bytes = \"1000\"\n")) == 8000);
}

TEST_CASE("every key of a pool is read")
{
    const Config config = parsed(R"(
[pool.default]
workers = "cores"
[pool."gpu-1.x_y"]
workers = 2
modules = ["/opt/a.so", "/opt/b.so"]
exec = false
paths = true
start = "spawn"
environment = { OMP_NUM_THREADS = "2", EMPTY = "" }
)");
    REQUIRE(config.pools.size() == 2);
    CHECK_FALSE(config.pools[0].workers.has_value());
    const PoolSettings& pool = config.pools[1];
    CHECK(pool.name == "gpu-1.x_y");
    CHECK(pool.workers == 2);
    CHECK(pool.modules == std::vector<std::string>{"/opt/a.so", "/opt/b.so"});
    CHECK(pool.exec == false);
    CHECK(pool.paths == true);
    CHECK(pool.start == PoolSettings::Start::spawn);
    CHECK(pool.environment ==
          std::map<std::string, std::string>{{"EMPTY", ""}, {"OMP_NUM_THREADS", "2"}});
}

TEST_CASE("a pool may be named with as many characters as a name may have, and no more")
{
    const std::string longest(limits::name, 'p');
    CHECK(parsed("[pool." + longest + "]\n").pools[0].name == longest);
    CHECK(complaint("[pool." + longest + "q]\n") ==
          "jm.toml:1:7: pool name: want 1 to 128 letters, digits, dots, dashes and underscores");
}

TEST_CASE("what is wrong in a file is said with its line and column")
{
    struct Row {
        const char* text;
        const char* complaint;
    };
    constexpr auto pool_name =
        "jm.toml:1:7: pool name: want 1 to 128 letters, digits, dots, dashes and underscores";
    const Row rows[] = {
        {"sockets = 1\n", "jm.toml:1:1: unknown key \"sockets\" in the configuration"},
        {"\n  colour = 1\n", "jm.toml:2:3: unknown key \"colour\" in the configuration"},
        {"socket = 5\n", "jm.toml:1:10: socket: want a string"},
        {"state_dir = true\n", "jm.toml:1:13: state_dir: want a string"},
        {"log_level = []\n", "jm.toml:1:13: log_level: want a string"},
        {"log_level = \"loud\"\n",
         "jm.toml:1:13: log_level: log level \"loud\": want one of debug, info, warning, error"},
        {"log_format = \"xml\"\n",
         "jm.toml:1:14: log_format: log format \"xml\": want one of auto, text, json, journal"},
        {"socket = \"x.sock\"\n", "jm.toml:1:10: socket: socket path \"x.sock\" is not absolute"},
        {"state_dir = \"\"\n", "jm.toml:1:13: state_dir: \"\" is not absolute"},
        {"max_jobs = \"5\"\n", "jm.toml:1:12: max_jobs: want a number from 1 to 100000000"},
        {"max_jobs = 0\n", "jm.toml:1:12: max_jobs: want a number from 1 to 100000000"},
        {"max_jobs = -1\n", "jm.toml:1:12: max_jobs: want a number from 1 to 100000000"},
        {"max_jobs = 1.5\n", "jm.toml:1:12: max_jobs: want a number from 1 to 100000000"},
        {"max_sessions = 1000001\n", "jm.toml:1:16: max_sessions: want a number from 1 to 1000000"},
        {"credit_jobs = 0\n", "jm.toml:1:15: credit_jobs: want a number from 1 to 1000000"},
        {"max_payload = 5\n",
         "jm.toml:1:15: max_payload: want a size such as \"64 MiB\", 1 byte to 1 TiB"},
        {"max_payload = \"0\"\n",
         "jm.toml:1:15: max_payload: \"0\": want a size such as \"64 MiB\", 1 byte to 1 TiB"},
        {"max_payload = \"2 TiB\"\n",
         "jm.toml:1:15: max_payload: \"2 TiB\": want a size such as \"64 MiB\", 1 byte to 1 TiB"},
        {"max_bytes = \"1 XB\"\n",
         "jm.toml:1:13: max_bytes: \"1 XB\": want a size such as \"64 MiB\", 1 byte to 1024 TiB"},
        {"credit_bytes = \"-1\"\n",
         "jm.toml:1:16: credit_bytes: \"-1\": want a size such as \"64 MiB\", 1 byte to 1 TiB"},
        {"unread_bytes = \"\"\n",
         "jm.toml:1:16: unread_bytes: \"\": want a size such as \"64 MiB\", 1 byte to 1 TiB"},
        {"max_unread_bytes = \"0\"\n",
         "jm.toml:1:20: max_unread_bytes: \"0\": want a size such as \"64 MiB\", 1 byte to 1024 "
         "TiB"},
        {"admin_group = 4\n", "jm.toml:1:15: admin_group: want a string"},
        {"min_free_memory = \"0\"\n",
         "jm.toml:1:19: min_free_memory: want 1 byte to 1024 TiB, or \"none\""},
        {"min_free_memory = \"unlimited\"\n",
         "jm.toml:1:19: min_free_memory: \"unlimited\": want a size such as \"64 MiB\", or "
         "\"none\""},
        {"max_running = 0\n",
         "jm.toml:1:15: max_running: want a number from 1 to 1000000000 or \"unlimited\""},
        {"max_jobs_per_user = 0\n",
         "jm.toml:1:21: max_jobs_per_user: want a number from 1 to 1000000000 or \"unlimited\""},
        {"max_bytes_per_user = \"0\"\n",
         "jm.toml:1:22: max_bytes_per_user: want 1 byte to 1024 TiB, or \"unlimited\""},
        {"max_jobs_per_session = \"none\"\n",
         "jm.toml:1:24: max_jobs_per_session: want a number from 1 to 1000000000 or \"unlimited\""},
        {"max_sessions_per_user = true\n",
         "jm.toml:1:25: max_sessions_per_user: want a number from 1 to 1000000000 or "
         "\"unlimited\""},
        {"poison_kept = 0\n", "jm.toml:1:15: poison_kept: want a number from 1 to 1000000"},
        {"first_frame_timeout = \"0s\"\n",
         "jm.toml:1:23: first_frame_timeout: \"0s\": want a duration such as \"5s\", 1ms to "
         "876000h"},
        {"stall_timeout = \"0s\"\n",
         "jm.toml:1:17: stall_timeout: \"0s\": want a duration such as \"5s\", 1ms to 876000h"},
        {"idle_timeout = \"0s\"\n",
         "jm.toml:1:16: idle_timeout: \"0s\": want a duration such as \"5s\", 1ms to 876000h"},
        {"spin = \"0us\"\n",
         "jm.toml:1:8: spin: \"0us\": want from \"1us\" to \"1ms\", \"none\", or \"auto\""},
        {"label = 1\n", "jm.toml:1:9: label: want tables such as [label.nightly]"},
        {"drain_timeout = 5\n",
         "jm.toml:1:17: drain_timeout: want a duration such as \"5s\", 0s to 876000h"},
        {"drain_timeout = \"5\"\n",
         "jm.toml:1:17: drain_timeout: \"5\": want a duration such as \"5s\", 0s to 876000h"},
        {"frame_timeout = \"0s\"\n",
         "jm.toml:1:17: frame_timeout: \"0s\": want a duration such as \"5s\", 1ms to 876000h"},
        {"unread_age = \"3000000h\"\n",
         "jm.toml:1:14: unread_age: \"3000000h\": want a duration such as \"5s\", 0s to 876000h"},
        {"pool = 1\n", "jm.toml:1:8: pool: want tables such as [pool.default]"},
        {"[pool]\n", "jm.toml:1:1: pool: want tables such as [pool.default]"},
        {"[pool]\nx = 1\n", "jm.toml:2:5: pool.x: want a table"},
        {"[pool.\"\"]\n", pool_name},
        {"[pool.\"a b\"]\n", pool_name},
        {"[pool.\"a/b\"]\n", pool_name},
        {"[pool.\"\u00e9\"]\n", pool_name},
        {"[pool.a]\nworker = 1\n", "jm.toml:2:1: unknown key \"worker\" in pool.a"},
        {"[pool.a]\nworkers = 0\n",
         "jm.toml:2:11: workers: want \"cores\" or a number from 1 to 1024"},
        {"[pool.a]\nworkers = 1025\n",
         "jm.toml:2:11: workers: want \"cores\" or a number from 1 to 1024"},
        {"[pool.a]\nworkers = \"all\"\n",
         "jm.toml:2:11: workers: want \"cores\" or a number from 1 to 1024"},
        {"[pool.a]\nmodules = \"/a.so\"\n", "jm.toml:2:11: modules: want a list of paths"},
        {"[pool.a]\nmodules = [\"a.so\"]\n", "jm.toml:2:12: modules: want absolute paths"},
        {"[pool.a]\nmodules = [\"\"]\n", "jm.toml:2:12: modules: want absolute paths"},
        {"[pool.a]\nmodules = [\"/a\", 5]\n", "jm.toml:2:18: modules: want absolute paths"},
        {"[pool.a]\nexec = \"no\"\n", "jm.toml:2:8: exec: want true or false"},
        {"[pool.a]\nstart = \"vfork\"\n", "jm.toml:2:9: start: want \"fork\" or \"spawn\""},
        {"[pool.a]\nstart = 1\n", "jm.toml:2:9: start: want \"fork\" or \"spawn\""},
        {"[pool.a]\nenvironment = \"A=1\"\n", "jm.toml:2:15: environment: want a table of texts"},
        {"[pool.a]\nenvironment = { A = 1 }\n", "jm.toml:2:21: environment: want names and texts"},
        {"[pool.a.environment]\n\"A=B\" = \"1\"\n",
         "jm.toml:2:9: environment: want names and texts"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(complaint(row.text) == row.complaint);
    }
}

TEST_CASE("what is no TOML is refused with its line and column too")
{
    for (const char* text : {"socket = \"/a\"\nsocket = \"/b\"\n", "[pool.a]\n[pool.a]\n",
                             "max_jobs = 1\nmax_jobs 2\n", "max_jobs = 1\nsocket = \"\xff\"\n"}) {
        CAPTURE(text);
        CHECK(complaint(text).starts_with("jm.toml:2:"));
    }
}

TEST_CASE("of several errors the one that is told has a place")
{
    CHECK(complaint("max_jobs = 0\nsocket = 1\n") == "jm.toml:2:10: socket: want a string");
}

TEST_CASE("the bounds of users and sessions are read")
{
    const Config config = parsed(R"(
admin_group = "wheel"
max_jobs_per_user = 5
max_bytes_per_user = "1 MiB"
max_sessions_per_user = 3
max_jobs_per_session = 2
max_running = 7
min_free_memory = "2 GiB"
poison_kept = 9
first_frame_timeout = "1s"
stall_timeout = "2s"
)");
    CHECK(config.admin_group == "wheel");
    CHECK(config.max_jobs_per_user == 5);
    CHECK(config.max_bytes_per_user == 1U << 20U);
    CHECK(config.max_sessions_per_user == 3);
    CHECK(config.max_jobs_per_session == 2);
    CHECK(config.max_running == 7);
    CHECK(config.min_free_memory == std::uint64_t{2} << 30U);
    CHECK(config.poison_kept == 9);
    CHECK(config.first_frame_timeout == 1s);
    CHECK(config.stall_timeout == 2s);
    CHECK(user_limits(config, true) ==
          UserLimits{.jobs = 5, .bytes = 1U << 20U, .sessions = 3, .session_jobs = 2});
}

TEST_CASE("the daemon spins as long as it pays, for a time, or never")
{
    CHECK_FALSE(parsed("").spin.has_value());
    CHECK_FALSE(parsed("spin = \"auto\"\n").spin.has_value());
    CHECK(parsed("spin = \"none\"\n").spin == 0us);
    CHECK(parsed("spin = \"20us\"\n").spin == 20us);
}

TEST_CASE("a configuration that says nothing watches no memory and stops no job from running")
{
    const Config config = parsed("min_free_memory = \"none\"\nmax_running = \"unlimited\"\n");
    CHECK_FALSE(config.min_free_memory.has_value());
    CHECK(config.max_running == unlimited);
    const Config silent = parsed("");
    CHECK_FALSE(silent.min_free_memory.has_value());
    CHECK(silent.max_running == unlimited);
    CHECK(silent.poison_kept == 1000);
    CHECK(silent.first_frame_timeout == 5s);
    CHECK(silent.stall_timeout == 30s);
    CHECK_FALSE(silent.admin_group.has_value());
}

TEST_CASE("a user may have all of an own daemon and half of the system's")
{
    Config config = parsed("max_jobs = 10\nmax_bytes = \"100\"\nmax_sessions = 1\n");
    CHECK(user_limits(config, false) ==
          UserLimits{.jobs = 10, .bytes = 100, .sessions = 1, .session_jobs = 10});
    CHECK(user_limits(config, true) ==
          UserLimits{.jobs = 5, .bytes = 50, .sessions = 1, .session_jobs = 5});
}

TEST_CASE("no user may have more than the daemon has room for")
{
    const Config config = parsed(R"(
max_jobs = 10
max_bytes = "100"
max_sessions = 4
max_jobs_per_user = 11
max_bytes_per_user = "unlimited"
max_sessions_per_user = "unlimited"
max_jobs_per_session = "unlimited"
)");
    CHECK(user_limits(config, true) ==
          UserLimits{.jobs = 10, .bytes = 100, .sessions = 4, .session_jobs = 10});
}

TEST_CASE("a file is read, and an empty one is fine")
{
    const TempDirectory directory;
    const auto config = read_config(directory.write("a.toml", "max_jobs = 3\n"));
    REQUIRE(config.has_value());
    CHECK(config->max_jobs == 3);
    CHECK(read_config(directory.write("empty.toml", "")).has_value());
}

TEST_CASE("errors name the file that they were found in")
{
    const TempDirectory directory;
    const std::string file = directory.write("a.toml", "max_jobs = 0\n");
    const auto config = read_config(file);
    REQUIRE_FALSE(config.has_value());
    CHECK(config.error().code == Errc::invalid);
    CHECK(config.error().what.starts_with(file + ":1:12: "));
}

TEST_CASE("a file that is missing or cannot be reached is a wrong configuration")
{
    const TempDirectory directory;
    (void)directory.write("file", "");
    std::filesystem::create_symlink("loop.toml", directory / "loop.toml");
    for (const char* const name : {"none.toml", "file/below.toml", "loop.toml"}) {
        const auto config = read_config(directory / name);
        REQUIRE_FALSE(config.has_value());
        CHECK(config.error().code == Errc::invalid);
        CHECK(config.error().what.starts_with("reading " + (directory / name) + ": "));
    }
}

TEST_CASE("a zero byte, at which the system would end a text, is refused with its place")
{
    for (const char* const key : {"socket", "socket_group", "admin_group", "state_dir", "log_level",
                                  "log_format", "max_payload", "drain_timeout"}) {
        const std::string place = "jm.toml:1:" + std::to_string(std::string_view{key}.size() + 4);
        CHECK(complaint(std::string{key} + " = \"/a\\u0000b\"") ==
              place + ": " + key + ": a zero byte");
    }
    CHECK(complaint("[pool.a]\nmodules = [\"/a\", \"/a\\u0000\"]") ==
          "jm.toml:2:18: modules: a zero byte");
    CHECK(complaint("[pool.a]\nenvironment = { A = \"b\\u0000c\" }") ==
          "jm.toml:2:21: environment: a zero byte");
    CHECK(complaint("[pool.a]\nenvironment = { \"A\\u0000\" = \"b\" }") ==
          "jm.toml:2:29: environment: want names and texts");
}

TEST_CASE("a variable has a name")
{
    CHECK(complaint("[pool.a]\nenvironment = { \"\" = \"b\" }") ==
          "jm.toml:2:22: environment: want names and texts");
}

TEST_CASE("a directory is no empty configuration")
{
    const TempDirectory directory;
    CHECK_FALSE(read_config(directory.path()).has_value());
}
