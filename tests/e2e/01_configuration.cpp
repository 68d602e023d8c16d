// SPDX-License-Identifier: MIT
#include <fstream>

#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

struct BadConfig {
    const char* text;
    const char* where;  ///< LINE:COLUMN
    const char* what;
};

constexpr BadConfig bad_configs[] = {
    {"socket = ", "1:", ""},
    {"a = 1\na = 2\n", "2:", "'a'"},
    {"\nsockets = \"/x\"", "2:1", "unknown key \"sockets\""},
    {"max_jobs = 0", "1:12", "want a number from 1"},
    {"max_jobs = \"many\"", "1:12", "want a number"},
    {"max_payload = 5", "1:15", "want a size"},
    {"max_payload = \"5 MB\"", "1:15", "want a size"},
    {"drain_timeout = 5", "1:17", "want a duration"},
    {"frame_timeout = \"5 parsecs\"", "1:17", "want a duration"},
    {"pool = 3", "1:8", "want tables"},
    {"[pool]\ndefault = 1", "2:11", "want a table"},
    {"[pool.\"a b\"]\n", "1:", "pool name"},
    {"[pool.a]\nworkers = 0", "2:11", "workers"},
    {"[pool.a]\nworkers = 1025", "2:11", "1024"},
    {"[pool.a]\nworkers = \"all\"", "2:11", "workers"},
    {"[pool.a]\nmodules = \"/m.so\"", "2:11", "want a list"},
    {"[pool.a]\nmodules = [\"m.so\"]", "2:12", "absolute"},
    {"[pool.a]\nexec = \"yes\"", "2:8", "true or false"},
    {"[pool.a]\npaths = 1", "2:9", "true or false"},
    {"[pool.a]\nstart = \"thread\"", "2:9", "want \"fork\" or \"spawn\""},
    {"[pool.a]\nenvironment = [1]", "2:15", "want a table"},
    {"[pool.a]\nthreads = 3", "2:1", "unknown key \"threads\""},
};

}  // namespace

TEST_CASE("a bad configuration is refused with its file and line and column")
{
    for (const BadConfig& bad : bad_configs) {
        CAPTURE(bad.text);
        const auto place = std::make_shared<Place>();
        const Departure departure =
            run_daemon(place, {.config = bad.text, .arguments = {"--check-config"}});
        CHECK(departure.exit_code == 78);
        const std::string prefix = "jobmilld: " + place->directory() + "/jobmill.toml:" + bad.where;
        CHECK_MESSAGE(departure.log.starts_with(prefix), departure.log);
        CHECK_MESSAGE(departure.log.find(bad.what) != std::string::npos, departure.log);
    }
}

TEST_CASE("a good configuration is said to be good and nothing is started")
{
    const Departure departure =
        run_daemon({.config = pool_config(1), .arguments = {"--check-config"}});
    CHECK(departure.exit_code == 0);
    CHECK(departure.log == "the configuration is good\n");
}

TEST_CASE("a group that does not exist is refused before the start and by a reload")
{
    for (const char* const key : {"socket_group", "admin_group"}) {
        const std::string config = std::string{key} + " = \"no-such-group\"\n";
        const auto place = std::make_shared<Place>();
        const Departure departure =
            run_daemon(place, {.config = config, .arguments = {"--check-config"}});
        CHECK(departure.exit_code == 78);
        CHECK(departure.log == "jobmilld: " + place->directory() +
                                   "/jobmill.toml:1:" + std::to_string(config.find('"') + 1) +
                                   ": " + key + ": there is no group \"no-such-group\"\n");
        CHECK(run_daemon({.config = config}).exit_code == 78);
    }
    const auto place = std::make_shared<Place>();
    Daemon daemon{place, {.config = pool_config(1)}};
    std::ofstream{place->directory() + "/jobmill.toml"}
        << pool_config(1, "socket_group = \"no-such-group\"\n");
    JsonClient client = daemon.json();
    client.send(R"({"op":"reload","id":"r"})");
    const std::string text{client.next("error", "r").text_at("text")};
    CHECK_MESSAGE(text.starts_with(place->directory() + "/jobmill.toml:"), text);
    CHECK_MESSAGE(text.ends_with(": socket_group: there is no group \"no-such-group\""), text);
}

TEST_CASE("a bad configuration stops the daemon itself the same way")
{
    const Departure departure = run_daemon({.config = "[pool.a]\nworkers = 0\n"});
    CHECK(departure.exit_code == 78);
    CHECK(departure.log.find("jobmill.toml:2:11: ") != std::string::npos);
}

TEST_CASE("a pool that requires control groups is not begun without")
{
    // Whatever the system has: the daemon of a test shares the group of the test.
    const Departure departure = run_daemon({.config = "[pool.a]\ncgroup = \"require\"\n"});
    CHECK(departure.exit_code == 78);
    CHECK(departure.log.find("pool down") != std::string::npos);
    CHECK(departure.log.find("but there are none: ") != std::string::npos);
}

TEST_CASE("options that cannot be are refused with the code of usage")
{
    for (const char* const option : {"--workers=0", "--no-such-option", "surplus",
                                     "--log-level=loud", "--log-format=xml", "--idle-timeout=0s"}) {
        CAPTURE(option);
        CHECK(run_daemon({.config = "", .arguments = {option}}).exit_code == 2);
    }
}

}  // namespace jobmill::tests
