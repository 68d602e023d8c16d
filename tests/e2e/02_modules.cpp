// SPDX-License-Identifier: MIT
#include <fstream>

#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

std::string config_with(const std::string& module, const std::string& more = "")
{
    return "[pool.odd]\nworkers = 1\nmodules = [\"" + module + "\"]\n" + more;
}

void check_refused(const std::string& module, const std::string& why)
{
    CAPTURE(module);
    const Departure departure = run_daemon({.config = config_with(module)});
    CHECK(departure.exit_code == 78);
    CHECK_MESSAGE(
        departure.log.find("pool down pool=odd cause=\"" + module + ": ") != std::string::npos,
        departure.log);
    CHECK_MESSAGE(departure.log.find(why) != std::string::npos, departure.log);
}

}  // namespace

TEST_CASE("a module that cannot be used stops the start with a sentence")
{
    check_refused("/nonexistent/module.so", "No such file");
    check_refused(test_module("wrong_abi"), "module interface 99");
    check_refused(test_module("no_entry"), "does not export jobmill_module_v1");
    check_refused(test_module("throws"), "the model file is missing");
    check_refused(test_module("starts_thread"), "started threads");
}

TEST_CASE("a file that is no shared object stops the start with a sentence")
{
    const Place place;
    const std::string file = place.directory() + "/text.so";
    std::ofstream{file} << "no ELF\n";
    check_refused(file, "cannot be loaded");
}

TEST_CASE("a pool that spawns its workers may have a module that starts threads")
{
    const Daemon daemon{config_with(test_module("starts_thread"), "start = \"spawn\"\n")};
    JsonClient client = daemon.json();
    client.submit("a", "ready");
    CHECK(client.result("a").text_at("payload") == "1");
}

TEST_CASE("a spawned worker is replaced like a forked one")
{
    const Daemon daemon{config_with(test_module(), "start = \"spawn\"\n")};
    JsonClient client = daemon.json();
    client.submit("a", "segv");
    client.submit("b", "sum", "4");
    CHECK(cause_text(client.result("a"), "signal") == "SIGSEGV");
    CHECK(client.result("b").text_at("payload") == "10");
}

TEST_CASE("a template that dies while it loads stops the start with a sentence")
{
    const Departure departure = run_daemon({.config = config_with(test_module("exits"))});
    CHECK(departure.exit_code == 78);
    CHECK_MESSAGE(
        departure.log.find(
            "pool down pool=odd cause=\"its template leaves before it is ready: exit code 9\"") !=
            std::string::npos,
        departure.log);
}

TEST_CASE("the first configured pool is the default when none has that name")
{
    const Daemon daemon{"[pool.b]\nworkers = 1\n[pool.a]\nworkers = 1\n"};
    JsonClient client = daemon.json();
    client.submit("x", "until_cancelled", "", R"(,"pool":"a")");
    CHECK(client.next("error", "x").text_at("text").find("in pool \"a\"") != std::string::npos);
    client.submit("x", "until_cancelled");
    CHECK(client.next("error", "x").text_at("text").find("in pool \"b\"") != std::string::npos);
}

TEST_CASE("a module in plain C serves beside the built-in handlers")
{
    const Daemon daemon{config_with(test_module("plain_c"))};
    JsonClient client = daemon.json();
    // The only pool is the default one, whatever its name.
    client.submit("a", "reverse", "drawer");
    CHECK(client.result("a").text_at("payload") == "reward");
    client.send(R"({"op":"handlers"})");
    const Value handlers = client.next("handlers");
    const Array& list = *handlers.find("pools")->array()->at(0).find("handlers")->array();
    CHECK(list.size() > 5);
}

}  // namespace jobmill::tests
