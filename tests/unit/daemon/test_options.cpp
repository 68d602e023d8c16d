// SPDX-License-Identifier: MIT
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "common/exit_code.hpp"
#include "daemon/options.hpp"

using namespace jobmill;
using namespace jobmill::daemon;

namespace {

std::variant<Options, int> parse(const std::vector<const char*>& arguments)
{
    std::vector<const char*> words{"jobmilld"};
    for (const char* argument : arguments) {
        words.push_back(argument);
    }
    return parse_options(static_cast<int>(words.size()), words.data());
}

Options parsed(const std::vector<const char*>& words)
{
    const auto result = parse(words);
    REQUIRE(std::holds_alternative<Options>(result));
    return std::get<Options>(result);
}

int exit_of(const std::vector<const char*>& words)
{
    const auto result = parse(words);
    REQUIRE(std::holds_alternative<int>(result));
    return std::get<int>(result);
}

}  // namespace

TEST_CASE("without options nothing is said")
{
    const Options options = parsed({});
    CHECK_FALSE(options.config.has_value());
    CHECK_FALSE(options.socket.has_value());
    CHECK_FALSE(options.state_dir.has_value());
    CHECK_FALSE(options.log_level.has_value());
    CHECK_FALSE(options.workers.has_value());
    CHECK_FALSE(options.check_config);
    CHECK_FALSE(options.system);
    CHECK_FALSE(options.allow_root);
}

TEST_CASE("every option is understood in its long form")
{
    const Options options =
        parsed({"--config", "/c", "--socket=/s", "--state-dir", "/d", "--workers", "3",
                "--log-level", "debug", "--check-config", "--system", "--allow-root"});
    CHECK(options.config == "/c");
    CHECK(options.socket == "/s");
    CHECK(options.state_dir == "/d");
    CHECK(options.workers == 3);
    CHECK(options.log_level == "debug");
    CHECK(options.check_config);
    CHECK(options.system);
    CHECK(options.allow_root);
}

TEST_CASE("the usual ones have a letter")
{
    const Options options = parsed({"-c", "/c", "-s", "/s", "-w", "2", "-l", "error"});
    CHECK(options.config == "/c");
    CHECK(options.socket == "/s");
    CHECK(options.workers == 2);
    CHECK(options.log_level == "error");
}

TEST_CASE("help and version are a success")
{
    CHECK(exit_of({"--help"}) == exit_code::ok);
    CHECK(exit_of({"-h"}) == exit_code::ok);
    CHECK(exit_of({"--version"}) == exit_code::ok);
    CHECK(exit_of({"-V"}) == exit_code::ok);
}

TEST_CASE("misuse has the exit code of misuse")
{
    const std::vector<const char*> lines[] = {
        {"--colour"},
        {"stray"},
        {"--config"},
        {"--workers", "0"},
        {"--workers", "x"},
        {"--workers", "-1"},
        {"-w", "1025"},
        {"--system=perhaps"},
        {"-l", "loud"},
        {"--log-format", "xml"},
        {"--idle-timeout", "0s"},
        {"-s", "x.sock"},
        {"--state-dir", "x"},
    };
    for (const auto& line : lines) {
        CAPTURE(line.front());
        CHECK(exit_of(line) == exit_code::usage);
    }
}
