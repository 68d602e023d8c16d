// SPDX-License-Identifier: MIT
// The configuration changes while jobs run.
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

std::string with_workers(int workers)
{
    return "[pool.default]\nworkers = " + std::to_string(workers) + "\nmodules = [\"" +
           test_module() + "\"]\n";
}

void write_config(const Daemon& daemon, const std::string& config)
{
    std::ofstream{daemon.place().directory() + "/jobmill.toml", std::ios::trunc} << config;
}

/// The answer to a reload: its changes, one a line, or the error's code and text.
std::string reload(JsonClient& client)
{
    client.send(R"({"op":"reload","id":"reload"})");
    while (true) {
        const auto message = client.next();
        REQUIRE(message);
        if (message->text_at("op") == "error") {
            return std::string{message->text_at("code")} + ": " +
                   std::string{message->text_at("text")};
        }
        if (message->text_at("op") == "reload") {
            std::string changes;
            for (const Value& change : *message->find("changes")->array()) {
                changes += *change.text() + "\n";
            }
            return changes;
        }
    }
}

std::string pool_states(const Daemon& daemon)
{
    JsonClient client = daemon.json();
    client.send(R"({"op":"status","id":"s"})");
    const Value status = client.next("status");
    std::string states;
    for (const Value& pool : *status.find("pools")->array()) {
        states +=
            std::string{pool.text_at("name")} + " " + std::string{pool.text_at("state")} + "\n";
    }
    return states;
}

}  // namespace

TEST_CASE("a reload that changes nothing says so")
{
    const Daemon daemon{with_workers(1)};
    JsonClient client = daemon.json();
    CHECK(reload(client).empty());
    client.submit("a", "sum", "100");
    CHECK(client.result("a").text_at("payload") == "5050");
}

TEST_CASE("places that the command line has said are no change, whatever the file says")
{
    const Daemon daemon{with_workers(1)};
    JsonClient client = daemon.json();
    write_config(daemon,
                 "socket = \"/another.sock\"\nstate_dir = \"/another\"\n" + with_workers(1));
    CHECK(reload(client).empty());
}

TEST_CASE("the largest result is another one at once, in workers that stay")
{
    const Daemon daemon{with_workers(1)};
    JsonClient client = daemon.json();
    client.submit("a", "big", "300000");
    CHECK(client.result("a").text_at("state") == "succeeded");
    write_config(daemon, "max_payload = \"200 KiB\"\n" + with_workers(1));
    CHECK(reload(client) == "max_payload 1 GiB -> 200 KiB\n");
    client.submit("b", "big", "300000");
    const Value failed = client.result("b");
    CHECK(failed.text_at("state") == "failed");
    CHECK(cause_text(failed, "text") ==
          "a result of 300000 bytes; the limit (max_payload) is 204800");
    CHECK(daemon.pool().integer_at("restarts") == 0);
}

TEST_CASE("a job that runs may say what it might when it began")
{
    const Daemon daemon{with_workers(1)};
    JsonClient client = daemon.json();
    client.submit("a", "until_cancelled", "", R"(,"args":{"last_words":300000})");
    (void)client.next("chunk", "a");
    write_config(daemon, "max_payload = \"200 KiB\"\n" + with_workers(1));
    CHECK(reload(client) == "max_payload 1 GiB -> 200 KiB\n");
    client.send(R"({"op":"cancel","id":"a"})");
    const Value result = client.result("a");
    CHECK(result.text_at("payload") == "stopped");
    CHECK(daemon.pool().integer_at("restarts") == 0);
}

TEST_CASE("a pool grows and shrinks under running jobs")
{
    const Daemon daemon{with_workers(1)};
    JsonClient client = daemon.json();
    client.submit("runs", "until_cancelled");
    (void)client.next("chunk", "runs");
    write_config(daemon, with_workers(3));
    CHECK(reload(client) == "pool default: workers 1 -> 3\n");
    daemon.await_workers(3);
    write_config(daemon, with_workers(1));
    CHECK(reload(client) == "pool default: workers 3 -> 1\n");
    daemon.await_workers(1);
    client.submit("waits", "sum", "10");
    client.send(R"({"op":"cancel","id":"runs"})");
    CHECK(client.result("runs").text_at("payload") == "stopped");
    CHECK(client.result("waits").text_at("payload") == "55");
}

TEST_CASE("a job that waits keeps the limits of its pool that it was submitted with at a reload")
{
    const int usual = ::getpriority(PRIO_PROCESS, 0);
    const int lower = std::min(usual + 7, 19);
    REQUIRE(lower > usual);
    const Daemon daemon{with_workers(1)};
    JsonClient client = daemon.json();
    // Of its child, which has the worker's.
    const auto niceness = [&](const std::string& id) {
        const Value chunk = client.next("chunk", id);
        const auto child = static_cast<id_t>(std::stol(std::string{chunk.text_at("payload")}));
        const int found = ::getpriority(PRIO_PROCESS, child);
        client.send(R"({"op":"cancel","id":")" + id + "\"}");
        CHECK(client.result(id).text_at("state") == "cancelled");
        return found;
    };
    client.submit("runs", "until_cancelled");
    (void)client.next("chunk", "runs");
    client.submit("waits", "fork_hold");
    write_config(daemon, with_workers(1) + "nice = " + std::to_string(lower) + "\n");
    CHECK_FALSE(reload(client).empty());
    client.send(R"({"op":"cancel","id":"runs"})");
    CHECK(niceness("waits") == usual);
    client.submit("new", "fork_hold");
    CHECK(niceness("new") == lower);
    write_config(daemon, with_workers(1));
    CHECK_FALSE(reload(client).empty());
    client.submit("last", "fork_hold");
    CHECK(niceness("last") == usual);
}

TEST_CASE("a result tells the time that its job had, not what a reload gives the next one")
{
    const Daemon daemon{with_workers(1) + "timeout = \"300ms\"\n"};
    JsonClient client = daemon.json();
    client.submit("late", "sleep", "1h", R"(,"started":true)");
    (void)client.next("started", "late");
    write_config(daemon, with_workers(1) + "timeout = \"1h\"\n");
    CHECK(reload(client) == "pool default: timeout 300ms -> 1h\n");
    CHECK(cause_text(client.result("late"), "text") == "it ran longer than 300 ms");
}

TEST_CASE("a pool is added, and one removed finishes what it was given")
{
    const Daemon daemon{with_workers(1) + "[pool.old]\nworkers = 1\n"};
    JsonClient client = daemon.json();
    client.submit("runs", "sleep", "300ms", R"(,"pool":"old")");
    client.submit("waits", "sum", "10", R"(,"pool":"old")");
    (void)client.next("accepted", "");
    write_config(daemon, with_workers(1) + "[pool.new]\nworkers = 1\n");
    CHECK(reload(client) ==
          "pool new: new, 1 worker\npool old: takes no more jobs, leaves after its last\n");
    CHECK(pool_states(daemon) == "default up\nnew up\nold retiring\n");
    client.submit("late", "sum", "10", R"(,"pool":"old")");
    CHECK(client.next("error", "late").text_at("code") == "unknown_pool");
    client.submit("new", "sum", "100", R"(,"pool":"new")");
    CHECK(client.result("new").text_at("payload") == "5050");
    CHECK(client.result("runs").text_at("state") == "succeeded");
    CHECK(client.result("waits").text_at("payload") == "55");
    daemon.await("the old pool is gone",
                 [&] { return pool_states(daemon) == "default up\nnew up\n"; });
    // A template and a worker each.
    daemon.await("its processes are gone", [&] { return daemon.children().size() == 4; });
}

TEST_CASE("a module that was built anew is loaded, and what waits runs in it")
{
    const auto place = std::make_shared<Place>();
    const std::string module = place->directory() + "/module.so";
    const auto install = [&](const std::string& name) {
        std::filesystem::copy_file(test_module(name), module + ".new");
        std::filesystem::rename(module + ".new", module);
    };
    install("testhandlers");
    const std::string config = "[pool.default]\nworkers = 1\nmodules = [\"" + module + "\"]\n";
    const Daemon daemon{place, DaemonSetup{.config = config}};
    JsonClient client = daemon.json();
    client.submit("runs", "until_cancelled");
    (void)client.next("chunk", "runs");
    const pid_t old_template = daemon.template_pid();
    client.submit("waits", "pid");
    install("testhandlers");
    CHECK(reload(client) == "pool default: loaded anew\n");
    // The job that runs keeps its worker; the one behind it has one of the new pool.
    const Value waited = client.result("waits");
    CHECK(waited.text_at("state") == "succeeded");
    client.send(R"({"op":"cancel","id":"runs"})");
    CHECK(client.result("runs").text_at("payload") == "stopped");
    daemon.await("the old template is gone", [&] { return !process_exists(old_template); });
}

TEST_CASE("a bad file leaves the old configuration in force and says where it is wrong")
{
    const Daemon daemon{with_workers(1)};
    JsonClient client = daemon.json();
    const std::string file = daemon.place().directory() + "/jobmill.toml";
    struct Row {
        std::string config;
        std::string complaint;
    };
    const Row rows[] = {
        {"[pool.default]\nworkers = 0\n", file + ":2:11: workers: want"},
        {"[pool.default]\ncolour = 1\n", file + ":2:1: unknown key"},
        {"[pool.default\n", file + ":"},
        {"[pool.default]\nmodules = [\"/nowhere/x.so\"]\n", "pool default: /nowhere/x.so"},
        {with_workers(1) + "[pool.bad]\nmodules = [\"" + test_module("throws") + "\"]\n",
         "pool bad: "},
        {"[pool.default]\ncgroup = \"require\"\n", "pool default: cgroup = \"require\", but"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.config);
        write_config(daemon, row.config);
        const std::string answer = reload(client);
        CAPTURE(answer);
        CHECK(answer.starts_with("bad_config: " + row.complaint));
        client.submit("job", "counter");
        CHECK(client.result("job").text_at("state") == "succeeded");
    }
    daemon.await("nothing of the failed pools is left",
                 [&] { return pool_states(daemon) == "default up\n"; });
    daemon.await("nor a process", [&] { return daemon.children().size() == 2; });
    std::filesystem::remove(file);
    CHECK(reload(client).starts_with("bad_config: "));
}

TEST_CASE("what is no file of a sensible size does not stop the loop")
{
    const Daemon daemon{with_workers(1)};
    JsonClient client = daemon.json();
    const std::string file = daemon.place().directory() + "/jobmill.toml";
    std::filesystem::remove(file);
    REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
    CHECK(reload(client) == "bad_config: " + file + " is no regular file");
    std::filesystem::remove(file);
    std::filesystem::create_symlink("/dev/zero", file);
    CHECK(reload(client) == "bad_config: " + file + " is no regular file");
    std::filesystem::remove(file);
    write_config(daemon, std::string(300'000, '#'));
    CHECK(reload(client) == "bad_config: " + file + " is longer than 262144 bytes");
    std::filesystem::remove(file);
    std::filesystem::create_symlink("jobmill.toml", file);
    CHECK(reload(client).starts_with("bad_config: reading " + file));
    daemon.check_healthy();
}

TEST_CASE("a shorter time for unread results holds for those that wait already")
{
    const Daemon daemon{with_workers(1)};
    JsonClient client = daemon.json();
    client.submit("d", "echo", "unread", R"(,"detached":true)");
    daemon.await("it waits to be read", [&] { return daemon.pool().integer_at("done") == 1; });
    CHECK(daemon.jobs() == 1);
    write_config(daemon, "unread_age = \"100ms\"\n" + with_workers(1));
    CHECK(reload(client) == "unread_age 1h -> 100ms\n");
    daemon.await("it is dropped", [&] { return daemon.jobs() == 0; });
}

TEST_CASE("SIGHUP reloads as well")
{
    const Daemon daemon{with_workers(1)};
    write_config(daemon, with_workers(2));
    daemon.signal(SIGHUP);
    daemon.await_workers(2);
    write_config(daemon, "nonsense");
    daemon.signal(SIGHUP);
    daemon.check_healthy();
    daemon.await_workers(2);
}

TEST_CASE("no job is lost while the pool is replaced again and again")
{
    const Daemon daemon{with_workers(2)};
    JsonClient jobs = daemon.json();
    JsonClient control = daemon.json();
    constexpr int rounds = 12;
    int submitted = 0;
    for (int round = 0; round < rounds; ++round) {
        for (int i = 0; i < 50; ++i) {
            jobs.submit(std::to_string(submitted++), i % 10 == 0 ? "segv" : "sum", "100");
        }
        write_config(daemon, with_workers(1 + round % 3) + "environment = { ROUND = \"" +
                                 std::to_string(round) + "\" }\n");
        CHECK_FALSE(reload(control).empty());
    }
    for (int i = 0; i < submitted; ++i) {
        const Value result = jobs.result(std::to_string(i));
        CHECK(result.text_at("state") == (i % 50 % 10 == 0 ? "crashed" : "succeeded"));
    }
    daemon.await("one pool is left", [&] { return pool_states(daemon) == "default up\n"; });
    const auto workers = static_cast<std::size_t>(1 + (rounds - 1) % 3);
    daemon.await("and its processes alone",
                 [&] { return daemon.children().size() == workers + 1; });
}

TEST_CASE("the log's level is set while the daemon runs")
{
    const Daemon daemon{with_workers(1)};
    JsonClient client = daemon.json();
    client.send(R"({"op":"log_level","id":"a"})");
    CHECK(client.next("log_level", "a").text_at("level") == "info");
    client.send(R"({"op":"log_level","id":"b","level":"debug"})");
    CHECK(client.next("log_level", "b").text_at("level") == "debug");
    client.send(R"({"op":"log_level","id":"c","level":"loud"})");
    const Value error = client.next("error", "c");
    CHECK(error.text_at("code") == "bad_value");
    CHECK(error.text_at("field") == "level");
    client.send(R"({"op":"log_level","id":"d"})");
    CHECK(client.next("log_level", "d").text_at("level") == "debug");
}

TEST_CASE("a daemon that nobody needs leaves, but not before its last result was read")
{
    Daemon daemon{with_workers(1), {"--idle-timeout", "200ms"}};
    std::string job;
    {
        JsonClient client = daemon.json();
        client.submit("a", "sum", "100", R"(,"detached":true)");
        job = client.job_of("a");
        daemon.await("it is over", [&] { return daemon.pool().integer_at("done") == 1; });
    }
    // Three times its idle time.
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds{600};
    daemon.await("time passes", [&] { return std::chrono::steady_clock::now() > until; });
    {
        JsonClient client = daemon.json();
        client.send(R"({"op":"wait","id":"w","job":")" + job + "\"}");
        CHECK(client.result("w").text_at("payload") == "5050");
    }
    CHECK(daemon.await_departure().exit_code == 0);
}

TEST_CASE("a template that hangs is replaced")
{
    const Daemon daemon{with_workers(1)};
    daemon.await_workers(1);
    const pid_t hung = daemon.template_pid();
    CHECK(::kill(hung, SIGSTOP) == 0);
    JsonClient client = daemon.json();
    client.submit("dies", "segv");
    client.submit("next", "sum", "10");
    CHECK(cause_text(client.result("dies"), "signal") == "SIGSEGV");
    // Nobody can fork meanwhile: the job waits until the hang was noticed.
    CHECK(client.result("next").text_at("payload") == "55");
    CHECK_FALSE(process_exists(hung));
}

}  // namespace jobmill::tests
