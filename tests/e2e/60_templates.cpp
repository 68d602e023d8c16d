// SPDX-License-Identifier: MIT
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

/// One worker. What that variable of dies_at_fork is about dies for as long as the file is there.
DaemonSetup dying_while(const std::string& reason, const std::string& variable)
{
    return {.config = "[pool.default]\nworkers = 1\nmodules = [\"" + test_module("dies_at_fork") +
                      "\"]\nenvironment = { " + variable + " = \"" + reason + "\" }\n"};
}

/// The worker leaves, and no other one follows; the job "waits" does.
void bring_down(const Daemon& daemon, JsonClient& client, const std::string& reason)
{
    daemon.await_workers(1);
    std::ofstream{reason}.put('x');
    client.submit("leaves", "leave");
    client.submit("waits", "ready");
    daemon.await("it is down", [&] { return daemon.pool().text_at("state") == "down"; });
}

}  // namespace

TEST_CASE("a killed template is replaced and no worker is lost with it")
{
    const Daemon daemon{pool_config(2)};
    daemon.await_workers(2);
    JsonClient client = daemon.json();
    client.submit("runs", "until_cancelled");
    (void)client.next("chunk", "runs");
    client.submit("before", "counter");
    CHECK(client.result("before").text_at("payload") == "1");
    const pid_t first = daemon.template_pid();
    CHECK(::kill(first, SIGKILL) == 0);
    daemon.await("it is replaced", [&] {
        const pid_t now = daemon.template_pid();
        return now != 0 && now != first;
    });
    // The same process serves on.
    client.submit("after", "counter");
    CHECK(client.result("after").text_at("payload") == "2");
    CHECK(daemon.pool().integer_at("restarts") == 0);
    client.send(R"({"op":"cancel","id":"runs"})");
    CHECK(client.result("runs").text_at("payload") == "stopped");
    // And the new template forks.
    client.submit("dies", "segv");
    client.submit("next", "sum", "10");
    CHECK(cause_text(client.result("dies"), "signal") == "SIGSEGV");
    CHECK(client.result("next").text_at("payload") == "55");
    daemon.await_workers(2);
}

TEST_CASE("a worker that dies while there is no template is replaced when there is one")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("pid", "pid");
    const auto worker =
        static_cast<pid_t>(std::stol(std::string{client.result("pid").text_at("payload")}));
    CHECK(::kill(daemon.template_pid(), SIGKILL) == 0);
    CHECK(::kill(worker, SIGKILL) == 0);
    client.submit("next", "sum", "10");
    CHECK(client.result("next").text_at("payload") == "55");
}

TEST_CASE("templates and workers killed again and again under load lose no job")
{
    constexpr int jobs = 600;
    const Daemon daemon{pool_config(4)};
    daemon.await_workers(4);
    JsonClient client = daemon.json();
    int submitted = 0;
    for (; submitted < 20; ++submitted) {
        client.submit(std::to_string(submitted), "pid");
    }
    std::vector<int> ends(jobs);
    for (int finished = 0; finished < jobs; ++finished) {
        const Value result = client.next("result");
        const std::string_view state = result.text_at("state");
        CHECK((state == "succeeded" || state == "crashed"));
        ++ends[static_cast<std::size_t>(std::stoi(std::string{result.text_at("id")}))];
        if (submitted < jobs) {
            client.submit(std::to_string(submitted++), "pid");
        }
        if (state == "succeeded" && finished % 3 == 0) {
            daemon.kill_child(
                static_cast<pid_t>(std::stol(std::string{result.text_at("payload")})));
        }
        if (finished % 50 == 25) {
            daemon.kill_child(daemon.template_pid());
        }
    }
    CHECK((ends == std::vector<int>(jobs, 1)));
    daemon.await_workers(4);
    daemon.await("nothing else is left", [&] { return daemon.children().size() == 5; });
}

TEST_CASE("when memory runs out, a worker goes before its template's daemon does")
{
    const auto of = [](const std::string& pid) {
        std::ifstream file{"/proc/" + pid + "/oom_score_adj"};
        int adjustment = -2000;
        file >> adjustment;
        return adjustment;
    };
    const Daemon daemon{pool_config(1, "[pool.spawning]\nstart = \"spawn\"\nworkers = 1\n")};
    const int expected = std::min(std::max(of(std::to_string(daemon.pid())), 0) + 500, 1000);
    JsonClient client = daemon.json();
    for (const char* const pool : {"default", "spawning"}) {
        CAPTURE(pool);
        client.submit(pool, "exec", "",
                      std::string{R"(,"pool":")"} + pool +
                          R"(","args":{"argv":["cat","/proc/self/oom_score_adj"]})");
        CHECK(client.next("chunk", pool).text_at("payload") == std::to_string(expected) + "\n");
        CHECK(client.result(pool).text_at("state") == "succeeded");
    }
    CHECK(of(std::to_string(daemon.template_pid())) == expected);
}

TEST_CASE("a pool whose workers die before they are ready is down until one is")
{
    const auto place = std::make_shared<Place>();
    const std::string reason = place->directory() + "/die";
    const Daemon daemon{place, dying_while(reason, "DIE_WHILE")};
    JsonClient client = daemon.json();
    bring_down(daemon, client, reason);
    const std::string why = "its workers die before they are ready: exit code 7";
    CHECK(daemon.pool().text_at("error") == why);
    client.submit("d", "ready");
    const Value error = client.next("error", "d");
    CHECK(error.text_at("code") == "pool_down");
    CHECK(error.text_at("text") == "pool \"default\": " + why);
    std::filesystem::remove(reason);
    CHECK(client.result("waits").text_at("state") == "succeeded");
    client.submit("e", "ready");
    CHECK(client.result("e").text_at("state") == "succeeded");
    CHECK(daemon.pool().text_at("state") == "up");
}

TEST_CASE("a pool whose template dies of each fork is down until one works, however often it loads")
{
    const auto place = std::make_shared<Place>();
    const std::string reason = place->directory() + "/die";
    const Daemon daemon{place, dying_while(reason, "TEMPLATE_DIES_WHILE")};
    JsonClient client = daemon.json();
    bring_down(daemon, client, reason);
    const std::string why{"its workers cannot be started: its template dies when it forks them"};
    const pid_t before = daemon.template_pid();
    daemon.await("another template", [&] {
        const pid_t now = daemon.template_pid();
        return now != 0 && now != before;
    });
    CHECK(daemon.pool().text_at("error") == why);
    client.submit("d", "ready");
    CHECK(client.next("error", "d").text_at("text") == "pool \"default\": " + why);
    std::filesystem::remove(reason);
    CHECK(client.result("waits").text_at("state") == "succeeded");
    CHECK(daemon.pool().text_at("state") == "up");
}

TEST_CASE("a pool whose workers cannot be started is down until one can")
{
    // Enough for all but a worker's segment.
    const auto place = std::make_shared<Place>();
    const Daemon daemon{place,
                        {.config = pool_config(1),
                         .prefix = {"/bin/sh", "-c", R"(ulimit -S -f 64; exec "$@")", "sh"}}};
    JsonClient client = daemon.json();
    client.submit("waits", "echo", "here");
    daemon.await("it is down", [&] { return daemon.pool().text_at("state") == "down"; });
    const std::string why{daemon.pool().text_at("error")};
    CHECK(why.starts_with("its workers cannot be started: "));
    client.submit("d", "echo");
    const Value error = client.next("error", "d");
    CHECK(error.text_at("code") == "pool_down");
    CHECK(error.text_at("text") == "pool \"default\": " + why);
    const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
    REQUIRE(::prlimit(daemon.pid(), RLIMIT_FSIZE, &none, nullptr) == 0);
    CHECK(payload_of(client.result("waits")) == "here");
    client.submit("e", "echo");
    CHECK(client.result("e").text_at("state") == "succeeded");
    CHECK(daemon.pool().text_at("state") == "up");
}

}  // namespace jobmill::tests
