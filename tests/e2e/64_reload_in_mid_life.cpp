// SPDX-License-Identifier: MIT
// Pools change and the daemon stops while jobs wait, run and are tried again.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/e2e/job_life.hpp"

namespace jobmill::tests {
namespace {

std::string pool_named(const std::string& name, int workers, const std::string& more = "")
{
    return "[pool." + name + "]\nworkers = " + std::to_string(workers) + "\nmodules = [\"" +
           test_module() + "\"]\n" + more + "\n";
}

constexpr auto in_old = R"(,"pool":"old","started":true)";

std::string with_module(const std::string& module, const std::string& more = "")
{
    return "[pool.default]\nworkers = 1\nmodules = [\"" + module + "\"]\n" + more;
}

/// A command whose first attempt fails once there is such a file, and whose second tells the era.
std::string fails_once(const std::string& begun, const std::string& go)
{
    return "if [ -e " + begun + " ]; then printenv ERA; else touch " + begun + "; until [ -e " +
           go + " ]; do sleep 0.01; done; exit 1; fi";
}

}  // namespace

TEST_CASE(
    "jobs that wait move to the pool that follows theirs, and an attempt that fails is made again")
{
    const Daemon daemon{pool_named("default", 1)};
    JsonClient client = daemon.json();
    client.submit("delayed", "env", "", R"(,"delay_ms":300)");
    client.submit("retried", "throw", "no",
                  R"(,"retry_failure":1,"backoff_ms":300,"started":true)");
    (void)client.next("retrying", "retried");
    begin(client, "runs", "sleep", "1h", R"(,"timeout_ms":300,"retry_timeout":1,"backoff_ms":1)");
    client.submit("queued", "env");
    CHECK(reload_with(daemon, pool_named("default", 1, "environment = { ERA = \"new\" }"))
              .text_at("op") == "reload");
    for (const char* const id : {"queued", "delayed"}) {
        const std::string environment = payload_of(client.result(id));
        CHECK_MESSAGE(environment.find("ERA=new\n") != std::string::npos, id);
    }
    const Value retried = client.result("retried");
    CHECK(retried.text_at("state") == "failed");
    CHECK(retried.integer_at("attempt") == 2);
    const Value ran = client.result("runs");
    CHECK(ran.text_at("state") == "timed_out");
    CHECK(attempts_of(ran) == "timed_out");
    daemon.await("the old pool is gone", [&] { return daemon.children().size() == 2; });
    CHECK(status_of(daemon).find("pools")->array()->size() == 1);
}

TEST_CASE("a pool that is no longer wanted stays until what waits and is tried again in it is over")
{
    const Daemon daemon{pool_named("default", 1) + pool_named("old", 1)};
    JsonClient client = daemon.json();
    client.submit("delayed", "sum", "100", std::string{R"(,"delay_ms":600)"} + in_old);
    client.submit("retried", "throw", "no",
                  std::string{R"(,"retry_failure":1,"backoff_ms":900)"} + in_old);
    client.submit("crashes", "segv", "",
                  std::string{R"(,"retry_crash":1,"backoff_ms":900)"} + in_old);
    (void)client.next("retrying", "retried");
    (void)client.next("retrying", "crashes");
    begin(client, "runs", "until_cancelled", "", R"(,"pool":"old")");
    client.submit("queued", "sum", "10", in_old);
    CHECK(reload_with(daemon, pool_named("default", 1)).text_at("op") == "reload");
    client.send(R"({"op":"cancel","id":"runs"})");
    CHECK(end_of(client, "runs") == "succeeded");
    CHECK(client.result("queued").text_at("payload") == "55");
    CHECK(daemon.pool(1).text_at("state") == "retiring");
    CHECK(client.result("delayed").text_at("payload") == "5050");
    CHECK(client.result("retried").integer_at("attempt") == 2);
    CHECK(attempts_of(client.result("crashes")) == "crashed");
    daemon.await("the old pool is gone", [&] { return daemon.children().size() == 2; });
}

TEST_CASE(
    "an attempt after a reload is made in the pool that follows, whatever became of the old one")
{
    const auto place = std::make_shared<Place>();
    const std::string old_module = place->directory() + "/old.so";
    std::filesystem::copy_file(test_module(), old_module);
    const Daemon daemon{place, {.config = with_module(old_module)}};
    JsonClient client = daemon.json();
    client.submit("whose", "pid");
    const pid_t worker = pids_in(client.result("whose").text_at("payload")).at(0);
    begin(client, "dies", "until_cancelled", "", R"(,"retry_crash":1,"backoff_ms":1)");
    // Its template cannot be started again, which a reload mends.
    std::filesystem::remove(old_module);
    CHECK(daemon.kill_child(daemon.template_pid()));
    daemon.await("the pool is down", [&] { return daemon.pool().text_at("state") == "down"; });
    CHECK(reload_with(daemon, with_module(test_module())).text_at("op") == "reload");
    CHECK(daemon.kill_child(worker));
    CHECK(client.next("started", "dies").integer_at("attempt") == 2);
    daemon.await("the old pool is gone", [&] { return daemon.children().size() == 2; });
    CHECK(status_of(daemon).find("pools")->array()->size() == 1);
    client.send(R"({"op":"cancel","id":"dies"})");
    const Value result = client.result("dies");
    CHECK(result.text_at("payload") == "stopped");
    CHECK(attempts_of(result) == "crashed");
}

TEST_CASE("an attempt after two reloads is made in the last of the pools")
{
    const auto place = std::make_shared<Place>();
    const Daemon daemon{place, {.config = pool_named("default", 2)}};
    const auto file = [&](const std::string& name) { return place->directory() + "/" + name; };
    JsonClient client = daemon.json();
    submit_shell(client, "at once", fails_once(file("a"), file("go")),
                 R"(,"retry_failure":1,"backoff_ms":1,"started":true)");
    submit_shell(client, "later", fails_once(file("b"), file("go")),
                 R"(,"retry_failure":1,"backoff_ms":200,"started":true)");
    daemon.await("both run", [&] {
        return std::filesystem::exists(file("a")) && std::filesystem::exists(file("b"));
    });
    for (const char* const era : {"new", "newest"}) {
        const std::string more = std::string{"environment = { ERA = \""} + era + "\" }";
        CHECK(reload_with(daemon, pool_named("default", 2, more)).text_at("op") == "reload");
    }
    std::ofstream{file("go")}.put('x');
    for (const char* const id : {"at once", "later"}) {
        CHECK(payload_of(client.next("chunk", id)) == "newest\n");
        CHECK(attempts_of(client.result(id)) == "failed");
    }
    daemon.await("the old pools are gone", [&] { return daemon.children().size() == 3; });
}

TEST_CASE("what waits in a pool that was taken out runs in one of its name that comes later")
{
    const Daemon daemon{pool_named("default", 1) + pool_named("old", 1)};
    JsonClient client = daemon.json();
    begin(client, "runs", "until_cancelled", "", R"(,"pool":"old")");
    client.submit("queued", "env", "", in_old);
    CHECK(reload_with(daemon, pool_named("default", 1)).text_at("op") == "reload");
    const std::string back =
        pool_named("default", 1) + pool_named("old", 1, "environment = { ERA = \"new\" }");
    CHECK(reload_with(daemon, back).text_at("op") == "reload");
    const std::string environment = payload_of(client.result("queued"));
    CHECK(environment.find("ERA=new\n") != std::string::npos);
    client.send(R"({"op":"cancel","id":"runs"})");
    CHECK(end_of(client, "runs") == "succeeded");
    daemon.await("the old pool is gone", [&] { return daemon.children().size() == 4; });
}

TEST_CASE("an attempt whose handler the next pool has not is made in the old one")
{
    const Daemon daemon{pool_named("default", 1)};
    JsonClient client = daemon.json();
    begin(client, "runs", "block", "", R"(,"timeout_ms":300,"retry_timeout":1,"backoff_ms":1)");
    CHECK(reload_with(daemon, with_module(test_module("plain_c"))).text_at("op") == "reload");
    client.submit("new", "pid");
    CHECK(client.next("error", "new").text_at("code") == "unknown_handler");
    CHECK(attempts_of(client.result("runs")) == "timed_out");
    daemon.await("the old pool is gone", [&] { return daemon.children().size() == 2; });
}

TEST_CASE("no job is lost or ends twice while pools shrink, grow and are replaced")
{
    const Daemon daemon{pool_named("default", 3)};
    JsonClient client = daemon.json();
    const char* const kinds[] = {
        R"("handler":"sum","payload":"100")",
        R"("handler":"sum","payload":"100","delay_ms":40)",
        R"("handler":"throw","payload":"no","retry_failure":2,"backoff_ms":10)",
        R"("handler":"segv","retry_crash":1,"backoff_ms":10)",
        R"("handler":"sleep","payload":"1h","timeout_ms":15,"retry_timeout":1,"backoff_ms":5)",
        R"("handler":"sum","payload":"100","nice":1)",
    };
    const std::map<std::string, std::string> ends{{"0", "succeeded"}, {"1", "succeeded"},
                                                  {"2", "failed"},    {"3", "crashed"},
                                                  {"4", "timed_out"}, {"5", "succeeded"}};
    int submitted = 0;
    for (int round = 0; round < 8; ++round) {
        for (int i = 0; i < 30; ++i, ++submitted) {
            client.send(R"({"op":"submit","id":")" + std::to_string(submitted) + "\"," +
                        kinds[submitted % 6] + "}");
        }
        const std::string era = "environment = { ERA = \"" + std::to_string(round / 2) + "\" }";
        const Value answer = reload_with(daemon, pool_named("default", 1 + round % 4, era));
        REQUIRE(answer.text_at("op") == "reload");
    }
    for (int i = 0; i < submitted; ++i) {
        CHECK(end_of(client, std::to_string(i)) == ends.at(std::to_string(i % 6)));
    }
    client.ping();
    // Nothing is left over: who ended twice would have said so before the ping's answer.
    client.raw().end_output();
    for (const Value& message : client.rest()) {
        CHECK(message.text_at("op") == "accepted");
    }
    daemon.await("one pool is left with its processes",
                 [&] { return daemon.children().size() == 1 + 4; });
}

TEST_CASE("a daemon that stops ends every job once, whatever it waits for")
{
    Daemon daemon{pool_named("default", 2) + pool_named("other", 1)};
    JsonClient client = daemon.json();
    client.submit("delayed", "sum", "1", R"(,"delay_ms":3600000)");
    client.submit("retried", "throw", "no",
                  R"(,"retry_failure":5,"backoff_ms":3600000,"started":true,"pool":"other")");
    (void)client.next("retrying", "retried");
    begin(client, "runs", "sleep", "100ms");
    begin(client, "fails", "until_cancelled", "", R"(,"retry_crash":5,"backoff_ms":1)");
    client.submit("queued", "sum", "1");
    client.submit("batch", "sum", "1", R"(,"batch":"b","halt":"now,fail=1")");
    client.ping();
    daemon.signal(SIGTERM);
    (void)client.next("closing");
    client.send(R"({"op":"cancel","id":"fails"})");
    std::map<std::string, int> results;
    std::map<std::string, std::string> states;
    for (const Value& message : client.rest()) {
        if (message.text_at("op") == "result") {
            const std::string id{message.text_at("id")};
            ++results[id];
            states[id] = std::string{message.text_at("state")} + " " + cause_text(message, "kind") +
                         " " + cause_text(message, "was");
        }
    }
    CHECK(states["delayed"] == "cancelled stopping waiting");
    CHECK(states["retried"] == "cancelled stopping waiting");
    CHECK(states["queued"] == "cancelled stopping queued");
    CHECK(states["batch"] == "cancelled stopping queued");
    CHECK(states["runs"] == "succeeded  ");
    CHECK(states["fails"] == "succeeded  ");
    CHECK(results.size() == 6);
    for (const auto& result : results) {
        CHECK_MESSAGE(result.second == 1, result.first);
    }
    CHECK(daemon.await_departure().exit_code == 0);
}

TEST_CASE("an attempt that fails while the daemon stops is the last")
{
    Daemon daemon{pool_named("default", 2)};
    JsonClient client = daemon.json();
    begin(client, "late", "sleep", "1h", R"(,"timeout_ms":150,"retry_timeout":5,"backoff_ms":1)");
    client.submit("whose", "pid");
    const pid_t worker = pids_in(client.result("whose").text_at("payload")).at(0);
    begin(client, "dies", "until_cancelled", "", R"(,"retry_crash":5,"backoff_ms":1)");
    daemon.signal(SIGTERM);
    (void)client.next("closing");
    CHECK(daemon.kill_child(worker));
    const Value died = client.result("dies");
    CHECK(died.text_at("state") == "crashed");
    CHECK(died.find("attempts") == nullptr);
    const Value late = client.result("late");
    CHECK(late.text_at("state") == "timed_out");
    CHECK(late.find("attempts") == nullptr);
    CHECK(daemon.await_departure().exit_code == 0);
}

}  // namespace jobmill::tests
