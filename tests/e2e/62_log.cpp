// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <csignal>
#include <sstream>

#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

std::vector<std::string> lines_with(const std::string& log, const std::string& text)
{
    std::vector<std::string> found;
    std::istringstream stream{log};
    for (std::string line; std::getline(stream, line);) {
        if (line.find(text) != std::string::npos) {
            found.push_back(line);
        }
    }
    return found;
}

/// A job crashes, with a payload that is nobody's business; the log up to the end.
std::string log_of_crash(const std::string& format)
{
    DaemonUnderTest daemon{std::make_shared<Place>(),
                           {.config = pool_config(1, "log_format = \"" + format + "\""),
                            .arguments = {},
                            .prefix = {},
                            .socket = {}}};
    daemon.await_log(format == "json" ? R"("event":"ready")" : " ready socket=");
    JsonClient client{daemon.socket()};
    client.submit("dies", "segv", "a secret of the client");
    CHECK(client.result("dies").text_at("state") == "crashed");
    client.submit("works", "sum", "10");
    CHECK(client.result("works").text_at("payload") == "55");
    daemon.signal(SIGTERM);
    return daemon.await_departure().log;
}

void contains_all(const std::string& line, const std::vector<std::string>& wanted)
{
    for (const std::string& text : wanted) {
        CHECK_MESSAGE(line.find(text) != std::string::npos, line, " has no ", text);
    }
}

}  // namespace

TEST_CASE("a crash is one line with its fields in the text log and shows no payload")
{
    const std::string log = log_of_crash("text");
    const auto crashes = lines_with(log, "worker crashed");
    REQUIRE_MESSAGE(crashes.size() == 1, log);
    contains_all(crashes[0],
                 {" warning worker crashed pool=default worker=1 generation=1 pid=", " job=",
                  " cause=SIGSEGV", " signal=SIGSEGV", " cpu_ms=", " peak_kib="});
    CHECK(log.find("secret") == std::string::npos);
    CHECK_MESSAGE(lines_with(log, " info starting version=").size() == 1, log);
    CHECK_MESSAGE(lines_with(log, " info stopped").size() == 1, log);
}

TEST_CASE("a crash is one object with its fields in the JSON log, as every line is one")
{
    const std::string log = log_of_crash("json");
    const auto crashes = lines_with(log, "worker crashed");
    REQUIRE_MESSAGE(crashes.size() == 1, log);
    contains_all(crashes[0],
                 {R"(,"level":"warning","event":"worker crashed","pool":"default","worker":1,)",
                  R"(,"job":)", R"(,"cause":"SIGSEGV")", R"(,"signal":"SIGSEGV")"});
    CHECK(log.find("secret") == std::string::npos);
    std::istringstream stream{log};
    for (std::string line; std::getline(stream, line);) {
        // 2026-01-31T23:59:59.123+01:00
        CHECK_MESSAGE(line.starts_with(R"({"time":"20)"), line);
        CHECK_MESSAGE(line.substr(38, 11) == R"(","level":")", line);
        CHECK_MESSAGE(line.ends_with("}"), line);
    }
}

TEST_CASE("a crowd of equal events is a few lines and a count, and starting and stopping is said")
{
    Daemon daemon{pool_config(1)};
    constexpr int deaths = 60;
    JsonClient client = daemon.json();
    for (int i = 0; i < deaths; ++i) {
        client.submit(std::to_string(i), "segv", "");
        // As long as jobs come to their ends between them, deaths are no storm.
        client.submit("sum " + std::to_string(i), "sum", "1");
    }
    for (int i = 0; i < deaths; ++i) {
        CHECK(client.result(std::to_string(i)).text_at("state") == "crashed");
    }
    daemon.signal(SIGTERM);
    const std::string log = daemon.await_departure().log;
    std::size_t left_out = 0;
    for (const std::string& line : lines_with(log, R"(events left out event="worker crashed")")) {
        left_out += std::stoul(line.substr(line.find("count=") + 6));
    }
    const std::size_t said = lines_with(log, " worker crashed ").size();
    CHECK_MESSAGE(said < deaths, log);
    CHECK_MESSAGE(said + left_out == deaths, log);
    CHECK(lines_with(log, " info stopping jobs=").size() == 1);
}

TEST_CASE("a log that nobody can take changes nothing for the clients")
{
    // A full disk, a pipe that nobody reads, and one whose reader is gone.
    for (const char* const log :
         {"exec 2>/dev/full", "mkfifo \"$0.pipe\"; exec 3<>\"$0.pipe\" 2>\"$0.pipe\"",
          "exec 2>&-"}) {
        const std::string redirection = log;
        CAPTURE(redirection);
        const auto place = std::make_shared<Place>();
        DaemonUnderTest daemon{place,
                               {.config = pool_config(1, "log_level = \"debug\""),
                                .arguments = {},
                                .prefix = {"/bin/sh", "-c", std::string{log} + "; exec \"$@\"",
                                           place->directory() + "/log"},
                                .socket = {}}};
        const auto connect = [&]() -> std::unique_ptr<JsonClient> {
            try {
                return std::make_unique<JsonClient>(daemon.socket());
            } catch (const std::exception&) {
                return nullptr;
            }
        };
        std::unique_ptr<JsonClient> client;
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
        while ((client = connect()) == nullptr && std::chrono::steady_clock::now() < deadline) {
            REQUIRE(::sched_yield() == 0);
        }
        REQUIRE(client != nullptr);
        // More lines than a pipe holds: two each.
        for (int round = 0; round < 20; ++round) {
            for (int i = 0; i < 50; ++i) {
                client->submit(std::to_string(round * 50 + i), "sum", "10");
            }
            for (int i = 0; i < 50; ++i) {
                CHECK(client->result(std::to_string(round * 50 + i)).text_at("payload") == "55");
            }
        }
        client.reset();
        daemon.signal(SIGTERM);
        const Departure departure = daemon.await_departure();
        CHECK_MESSAGE(departure.exit_code == 0, "signal ", departure.signal);
    }
}

}  // namespace jobmill::tests
