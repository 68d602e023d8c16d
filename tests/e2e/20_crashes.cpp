// SPDX-License-Identifier: MIT
#include <csignal>
#include <sstream>

#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

/// Jobs before, beside and after one that dies: all but that one succeed.
Value crash_among_neighbours(const Daemon& daemon, const std::string& handler,
                             const std::string& payload = "")
{
    JsonClient client = daemon.json();
    JsonClient neighbour = daemon.json();
    neighbour.submit("beside", "sleep", "40ms");
    client.submit("before", "sum", "10");
    client.submit("dies", handler, payload);
    for (const char* const id : {"after1", "after2", "after3"}) {
        client.submit(id, "sum", "10");
    }
    for (const char* const id : {"before", "after1", "after2", "after3"}) {
        CHECK(client.result(id).text_at("payload") == "55");
    }
    CHECK(neighbour.result("beside").text_at("state") == "succeeded");
    return client.result("dies");
}

struct Crash {
    const char* handler;
    const char* signal;
    const char* last_words;
};

}  // namespace

TEST_CASE("a job that crashes takes nothing with it and its signal is told")
{
    const Daemon daemon{pool_config(2)};
    const Crash crashes[] = {{"segv", "SIGSEGV", "SIGSEGV at address 0x0 in handler segv"},
                             {"abort", "SIGABRT", "SIGABRT in handler abort"},
                             {"fpe", "SIGFPE", ""},
                             {"kill", "SIGKILL", ""}};
    for (const Crash& crash : crashes) {
        CAPTURE(crash.handler);
        const Value result = crash_among_neighbours(daemon, crash.handler);
        CHECK(result.text_at("state") == "crashed");
        CHECK(cause_text(result, "kind") == "signal");
        CHECK(cause_text(result, "signal") == crash.signal);
        if (*crash.last_words != '\0') {
            CHECK(cause_text(result, "last_words") == crash.last_words);
        }
    }
    daemon.await("the slots are refilled", [&] {
        const Value pool = daemon.pool();
        return pool.integer_at("workers") == 2 && pool.integer_at("restarts") == 4;
    });
    CHECK(daemon.pool().integer_at("crashed") == 4);
    CHECK(daemon.children().size() == 3);
}

TEST_CASE("what a job took is told of one that ends with its worker, too")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    const auto cpu_ms = [](const Value& result) {
        REQUIRE(result.find("cpu_ms") != nullptr);
        return result.real_at("cpu_ms");
    };
    client.submit("before", "cpu", "300");
    CHECK(cpu_ms(client.result("before")) >= 299);
    client.submit("crashes", "segv");
    const Value crashed = client.result("crashes");
    CHECK(crashed.text_at("state") == "crashed");
    CHECK(cpu_ms(crashed) < 250);
    client.submit("limited", "cpu", "60000", R"(,"cpu_ms":1000)");
    const Value limited = client.result("limited");
    CHECK(cause_text(limited, "limit") == "cpu");
    CHECK(cpu_ms(limited) >= 900);
    client.submit("late", "block", "", R"(,"timeout_ms":20)");
    const Value late = client.result("late");
    CHECK(late.text_at("state") == "timed_out");
    CHECK(cpu_ms(late) >= 0);
}

TEST_CASE("a worker that leaves in mid-job has crashed with its exit code")
{
    const Daemon daemon{pool_config(2)};
    for (const char* const code : {"3", "0"}) {
        CAPTURE(code);
        const Value result = crash_among_neighbours(daemon, "exit", code);
        CHECK(result.text_at("state") == "crashed");
        CHECK(cause_text(result, "kind") == "exit");
        CHECK(result.find("cause")->integer_at("exit_code") == std::stoi(code));
    }
}

TEST_CASE("a worker killed from outside costs the job that it ran and no other")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("pid", "pid");
    const auto worker =
        static_cast<pid_t>(std::stol(std::string{client.result("pid").text_at("payload")}));
    client.submit("runs", "until_cancelled");
    client.submit("waits", "sum", "4");
    (void)client.next("chunk", "runs");
    CHECK(::kill(worker, SIGKILL) == 0);
    const Value result = client.result("runs");
    CHECK(result.text_at("state") == "crashed");
    CHECK(cause_text(result, "signal") == "SIGKILL");
    CHECK(client.result("waits").text_at("payload") == "10");
}

TEST_CASE("an idle worker killed from outside is replaced and costs nothing")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    for (int i = 0; i < 20; ++i) {
        client.submit("pid", "pid");
        const Value result = client.result("pid");
        REQUIRE(result.text_at("state") == "succeeded");
        const auto worker = static_cast<pid_t>(std::stol(std::string{result.text_at("payload")}));
        CHECK(::kill(worker, SIGKILL) == 0);
        daemon.await("the worker is gone", [&] { return !process_exists(worker); });
    }
    CHECK(daemon.pool().integer_at("crashed") == 0);
}

TEST_CASE("a crash comes with the end of what the worker wrote to standard error")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("a", "abort");
    client.submit("b", "stderr_spam", "4");
    client.submit("c", "throw", "words of the handler");
    (void)client.result("a");
    CHECK(client.result("b").text_at("state") == "succeeded");
    const Value failed = client.result("c");
    CHECK(failed.text_at("state") == "failed");
    CHECK(cause_text(failed, "kind") == "error");
    CHECK(cause_text(failed, "text") == "words of the handler");
    client.submit("d", "throw_int");
    CHECK(cause_text(client.result("d"), "text") == "unknown exception");
}

TEST_CASE("of a crowd of jobs on one worker a crash is charged to one")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    for (int i = 0; i < 200; ++i) {
        client.submit(std::to_string(i), i % 20 == 7 ? "segv" : "sum", "10");
    }
    for (int i = 0; i < 200; ++i) {
        const Value result = client.result(std::to_string(i));
        CHECK(result.text_at("state") == (i % 20 == 7 ? "crashed" : "succeeded"));
    }
    CHECK(daemon.pool().integer_at("restarts") == 10);
}

TEST_CASE("what a crashing job had started is gone with it")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("a", "fork_hold");
    const Value chunk = client.next("chunk", "a");
    const auto child = static_cast<pid_t>(std::stol(std::string{chunk.text_at("payload")}));
    CHECK(process_exists(child));
    client.submit("b", "pid");
    // The worker is the only child of the daemon that is not its template.
    for (const pid_t process : daemon.children()) {
        if (!children_of(process).empty()) {
            CHECK(::kill(process, SIGKILL) == 0);
        }
    }
    CHECK(cause_text(client.result("a"), "signal") == "SIGKILL");
    (void)client.result("b");
    daemon.await("the child is gone", [&] { return !process_exists(child); });
}

TEST_CASE("descendants in sessions of their own are gone before a result is out")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("a", "fork_tree", "20");
    const Value result = client.result("a");
    std::istringstream pids{std::string{result.text_at("payload")}};
    int count = 0;
    for (pid_t pid = 0; pids >> pid; ++count) {
        CHECK_FALSE(process_exists(pid));
    }
    CHECK(count == 20);
    client.submit("b", "counter");
    CHECK(client.result("b").text_at("payload") == "1");
    CHECK(daemon.pool().integer_at("restarts") == 0);
}

}  // namespace jobmill::tests
