// SPDX-License-Identifier: MIT
#include <array>

#include <doctest/doctest.h>

#include "worker/options.hpp"

namespace jobmill {
namespace {

template <std::size_t n>
std::string refusal(const std::array<const char*, n>& arguments)
{
    const auto options = parse_options(arguments);
    REQUIRE(!options);
    return options.error().what;
}

}  // namespace

TEST_CASE("a template's command line says whose it is and what to load")
{
    const auto options = parse_options(
        std::to_array({"--template", "--daemon-pid", "12", "--builtin", "echo,sum", "--module",
                       "/a.so", "--module", "/b.so", "--allow-exec", "--allow-paths", "--spin-us",
                       "20", "--command-descriptors", "1024"}));
    REQUIRE(options);
    CHECK(options->command_descriptors == 1024);
    CHECK(options->spin_us == 20);
    CHECK(options->mode == WorkerOptions::Mode::fork_template);
    CHECK(options->daemon_pid == 12);
    CHECK(options->load.builtins == std::vector<std::string>{"echo", "sum"});
    CHECK(options->load.modules == std::vector<std::string>{"/a.so", "/b.so"});
    CHECK(options->load.allow_exec);
    CHECK(options->load.allow_paths);
    CHECK(!options->allow_threads);
}

TEST_CASE("a template that is not to fork may load what starts threads")
{
    const auto options =
        parse_options(std::to_array({"--template", "--allow-threads", "--daemon-pid", "12"}));
    REQUIRE(options);
    CHECK(options->allow_threads);
}

TEST_CASE("without --builtin all built-in handlers are loaded, with none no one is")
{
    const auto all = parse_options(std::to_array({"--template", "--daemon-pid", "12"}));
    REQUIRE(all);
    CHECK(!all->load.builtins);
    CHECK(!all->load.allow_exec);
    CHECK(!all->load.allow_paths);
    const auto none =
        parse_options(std::to_array({"--template", "--daemon-pid", "12", "--builtin", "none"}));
    REQUIRE(none);
    CHECK(none->load.builtins == std::vector<std::string>{});
}

TEST_CASE("a spawned worker's command line has its slot and generation")
{
    const auto options = parse_options(
        std::to_array({"--worker", "--slot", "3", "--generation", "9", "--daemon-pid", "12"}));
    REQUIRE(options);
    CHECK(options->mode == WorkerOptions::Mode::worker);
    CHECK(options->worker == WorkerId{SlotId{3}, 9});
}

TEST_CASE("both are told the daemon's socket")
{
    const auto options = parse_options(
        std::to_array({"--template", "--daemon-pid", "12", "--socket", "/run/jobmill.sock"}));
    REQUIRE(options);
    CHECK(options->socket == "/run/jobmill.sock");
    CHECK(refusal(std::to_array({"--socket"})) == "--socket needs a value");
}

TEST_CASE("a wrong command line is refused with the option's name")
{
    CHECK(refusal(std::to_array({"--template"})) == "--daemon-pid is missing");
    CHECK(refusal(std::to_array({"--worker", "--daemon-pid", "1"})) ==
          "--worker needs --slot and --generation");
    CHECK(refusal(std::to_array({"--daemon-pid", "12x"})) ==
          "--daemon-pid: not a number above 0: \"12x\"");
    CHECK(refusal(std::to_array({"--daemon-pid", "-1"})) ==
          "--daemon-pid: not a number above 0: \"-1\"");
    CHECK(refusal(std::to_array({"--module"})) == "--module needs a value");
    CHECK(refusal(std::to_array({"--nonsense"})) == "unknown option \"--nonsense\"");
}

}  // namespace jobmill
