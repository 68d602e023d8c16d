// SPDX-License-Identifier: MIT
// Jobs that flood, inherit, or leave something behind, beside the real daemon.
#include <chrono>
#include <csignal>
#include <sstream>

#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

std::vector<pid_t> pids_in(std::string_view text)
{
    std::istringstream stream{std::string{text}};
    std::vector<pid_t> pids;
    for (pid_t pid = 0; stream >> pid;) {
        pids.push_back(pid);
    }
    return pids;
}

std::size_t alive_among(const std::vector<pid_t>& pids)
{
    return static_cast<std::size_t>(std::count_if(pids.begin(), pids.end(), process_exists));
}

}  // namespace

TEST_CASE("a worker may die of any signal and the job is told which")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    for (const char* const name : {"SIGBUS", "SIGILL", "SIGTRAP", "SIGSYS", "SIGHUP", "SIGALRM"}) {
        CAPTURE(name);
        client.submit("dies", "die", name);
        client.submit("next", "sum", "10");
        const Value result = client.result("dies");
        CHECK(result.text_at("state") == "crashed");
        CHECK(cause_text(result, "signal") == name);
        CHECK(client.result("next").text_at("payload") == "55");
    }
}

TEST_CASE("what a job forks dies of the signals that it gets")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("forks", "child_signals");
    CHECK(client.result("forks").text_at("payload") == "6 11 3 15 ");
    // The worker's own are as they were.
    client.submit("dies", "die", "SIGABRT");
    CHECK(cause_text(client.result("dies"), "last_words") == "SIGABRT in handler die");
}

TEST_CASE("a tree of descendants in sessions of their own is gone within a second of its cancel")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("tree", "tree_hold", "20");
    const auto pids = pids_in(client.next("chunk", "tree").text_at("payload"));
    REQUIRE(pids.size() == 20);
    CHECK(alive_among(pids) == 20);
    const auto start = std::chrono::steady_clock::now();
    client.send(R"({"op":"cancel","id":"tree"})");
    CHECK(client.result("tree").text_at("state") == "cancelled");
    daemon.await("the tree is gone", [&] { return alive_among(pids) == 0; });
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds{sanitized ? 5 : 1});
}

TEST_CASE("a crowd of forks is gone when its job has ended")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("bomb", "forkbomb", "64");
    CHECK(client.result("bomb").text_at("payload") == "64");
    // The template and the worker.
    CHECK(daemon.children().size() == 2);
    for (const pid_t child : daemon.children()) {
        CHECK(children_of(child).empty());
    }
}

TEST_CASE("what workers write to their standard error costs the daemon no memory")
{
    const Daemon daemon{pool_config(2)};
    JsonClient client = daemon.json();
    daemon.check_healthy();
    const std::uint64_t before = daemon.kibibytes("RssAnon");
    for (const char* const id : {"a", "b"}) {
        client.submit(id, "stderr_spam", "100");
    }
    for (const char* const id : {"a", "b"}) {
        CHECK(client.result(id).text_at("state") == "succeeded");
    }
    CHECK(daemon.kibibytes("RssAnon") < before + (sanitized ? 16384 : 2048));
}

TEST_CASE("a worker that is born while clients are connected has none of their sockets")
{
    const Daemon daemon{pool_config(1)};
    std::vector<JsonClient> clients;
    for (int i = 0; i < 20; ++i) {
        clients.push_back(daemon.json());
        clients.back().ping();
    }
    clients[0].submit("dies", "kill");
    (void)clients[0].result("dies");
    clients[0].submit("fds", "fds");
    const std::string list{clients[0].result("fds").text_at("payload")};
    CAPTURE(list);
    std::size_t sockets = 0;
    for (std::size_t at = list.find("socket:"); at != std::string::npos;
         at = list.find("socket:", at + 1)) {
        ++sockets;
    }
    CHECK(sockets == 1);
    // So a session that the daemon ends is at its end, whoever was forked meanwhile.
    clients[1].send("no JSON at all, and far too " + std::string(300'000, 'l') + "ong");
    (void)clients[1].rest();
}

TEST_CASE("a command that cannot be started has failed, and its worker has not crashed")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    for (const char* const argv : {R"(["no-such-program"])", R"(["/"])", R"(["/etc/passwd"])"}) {
        CAPTURE(argv);
        client.submit("a", "exec", "", R"(,"args":{"argv":)" + std::string{argv} + "}");
        const Value result = client.result("a");
        CHECK(result.text_at("state") == "failed");
        CHECK(cause_text(result, "kind") == "exec");
        CHECK(!cause_text(result, "text").empty());
    }
    CHECK(daemon.pool().integer_at("crashed") == 0);
    CHECK(daemon.pool().integer_at("restarts") == 0);
}

}  // namespace jobmill::tests
