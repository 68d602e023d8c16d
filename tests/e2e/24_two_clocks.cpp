// SPDX-License-Identifier: MIT
// How long a job may wait and how long it may run, and workers that show no sign of life.
#include <chrono>
#include <csignal>
#include <thread>

#include "tests/e2e/job_life.hpp"

namespace jobmill::tests {
namespace {

/// A pool with settings of its own.
std::string pool_with(unsigned workers, const std::string& settings)
{
    return pool_config(workers) + settings + "\n";
}

std::string stack_of(const Value& result)
{
    return cause_text(result, "stack");
}

pid_t pid_of_worker(JsonClient& client)
{
    client.submit("whose", "pid");
    return pids_in(client.result("whose").text_at("payload")).at(0);
}

}  // namespace

TEST_CASE("a job that has not begun in its time has expired and never runs")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    begin(client, "runs", "until_cancelled");
    client.submit("late", "counter", "", R"(,"queue_timeout_ms":20)");
    const Value late = client.result("late");
    CHECK(late.text_at("state") == "expired");
    CHECK(cause_text(late, "kind") == "expired");
    CHECK(cause_text(late, "was") == "queued");
    CHECK(cause_text(late, "text") == "it waited longer than 20 ms");
    CHECK(late.find("worker") == nullptr);
    CHECK(late.real_at("queue_ms") >= 20);
    client.send(R"({"op":"cancel","id":"runs"})");
    CHECK(end_of(client, "runs") == "succeeded");
    client.submit("next", "counter");
    CHECK(client.result("next").text_at("payload") == "1");
    CHECK(daemon.pool().integer_at("expired") == 1);
}

TEST_CASE("a job whose delay is longer than its time to begin expires while it waits")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("never", "counter", "", R"(,"delay_ms":3600000,"queue_timeout_ms":20)");
    const Value never = client.result("never");
    CHECK(never.text_at("state") == "expired");
    CHECK(cause_text(never, "was") == "waiting");
    client.submit("later", "counter", "", R"(,"delay_ms":30)");
    const Value later = client.result("later");
    CHECK(later.text_at("payload") == "1");
    CHECK(later.real_at("queue_ms") >= 30);
}

TEST_CASE("a job that runs too long is stopped and what it put out and where it was is told")
{
    const Daemon daemon{pool_config(2)};
    JsonClient client = daemon.json();
    JsonClient neighbour = daemon.json();
    begin(neighbour, "beside", "sleep", "200ms");
    client.submit("late", "block", "", R"(,"timeout_ms":40)");
    CHECK(client.next("chunk", "late").text_at("payload") == "blocked");
    const Value late = client.result("late");
    CHECK(late.text_at("state") == "timed_out");
    CHECK(cause_text(late, "kind") == "timeout");
    CHECK(cause_text(late, "text") == "it ran longer than 40 ms");
    CHECK_MESSAGE(stack_of(late).starts_with("in handler block\n"), stack_of(late));
    CHECK_MESSAGE(stack_of(late).find("#1 ") != std::string::npos, stack_of(late));
    CHECK(late.real_at("run_ms") >= 40);
    CHECK(end_of(neighbour, "beside") == "succeeded");
    CHECK(daemon.pool().integer_at("timed_out") == 1);
    CHECK(daemon.pool().integer_at("crashed") == 0);
    daemon.await_workers(2);
}

TEST_CASE("a job that looks at its flag is stopped by a timeout and its worker lives on")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    const pid_t worker = pid_of_worker(client);
    client.submit("late", "sleep", "1h", R"(,"timeout_ms":20)");
    CHECK(end_of(client, "late") == "timed_out");
    // It ends well in spite of it, and that counts.
    client.submit("well", "until_cancelled", "", R"(,"timeout_ms":20)");
    CHECK(client.result("well").text_at("payload") == "stopped");
    CHECK(pid_of_worker(client) == worker);
    CHECK(daemon.pool().integer_at("restarts") == 0);
}

TEST_CASE("a command that runs too long is stopped with all that it started")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    submit_shell(client, "late", "setsid sleep 1000 & echo $!; sleep 1000", R"(,"timeout_ms":60)");
    const auto pids = pids_in(client.next("chunk", "late").text_at("payload"));
    const Value late = client.result("late");
    CHECK(late.text_at("state") == "timed_out");
    CHECK_MESSAGE(stack_of(late).find("\ncommand ") != std::string::npos, stack_of(late));
    daemon.await("what it started is gone", [&] { return all_gone(pids); });
    daemon.check_healthy();
}

TEST_CASE("a pool's own times are for jobs that say nothing, and unlimited is without end")
{
    const Daemon daemon{pool_with(1, "timeout = \"40ms\"\nqueue_timeout = \"80ms\"")};
    JsonClient client = daemon.json();
    client.submit("default", "sleep", "1h");
    CHECK(end_of(client, "default") == "timed_out");
    begin(client, "unlimited", "until_cancelled", "", R"(,"timeout_ms":"unlimited")");
    client.submit("expires", "counter");
    client.submit("stays", "counter", "", R"(,"queue_timeout_ms":"unlimited")");
    // Twice the time of the one that runs.
    CHECK(end_of(client, "expires") == "expired");
    client.send(R"({"op":"cancel","id":"unlimited"})");
    CHECK(end_of(client, "unlimited") == "succeeded");
    CHECK(client.result("stays").text_at("payload") == "1");
}

// The first takes the five seconds that lie between SIGTERM and SIGKILL.
TEST_CASE("who ignores the flag and SIGTERM, and who is frozen, is killed and replaced")
{
    const std::string module = "modules = [\"" + test_module() + "\"]\n";
    const Daemon daemon{pool_config(2) + "[pool.watched]\nworkers = 2\nhang_timeout = \"500ms\"\n" +
                        module + "[pool.single]\nworkers = 1\n" + module};
    JsonClient client = daemon.json();
    client.submit("before", "sleep", "1h", R"(,"timeout_ms":20,"pool":"single")");
    CHECK(stack_of(client.result("before")).starts_with("in handler sleep"));
    client.submit("ignores", "ignore_term", "", R"(,"timeout_ms":40)");
    client.submit("frozen", "frozen", "", R"(,"timeout_ms":40,"pool":"single")");
    client.submit("hangs", "frozen", "", R"(,"pool":"watched")");
    // The others go on meanwhile.
    int beside = 0;
    daemon.await("they are over", [&] {
        const std::string id = std::to_string(beside++);
        client.submit(id, "sum", "100", beside % 2 == 0 ? R"(,"pool":"watched")" : "");
        CHECK(client.result(id).text_at("payload") == "5050");
        return daemon.pool(0).integer_at("timed_out") == 1 &&
               daemon.pool(1).integer_at("timed_out") == 1 &&
               daemon.pool(2).integer_at("timed_out") == 2;
    });
    for (const auto& [id, handler] :
         {std::pair{"ignores", "ignore_term"}, std::pair{"frozen", "frozen"}}) {
        const Value result = client.result(id);
        CHECK(result.text_at("state") == "timed_out");
        CHECK(cause_text(result, "kind") == "timeout");
        // A frozen worker is thawed for its end, and tells then; and not of the job before.
        CHECK(stack_of(result).starts_with(std::string{"in handler "} + handler));
    }
    const Value hangs = client.result("hangs");
    CHECK(hangs.text_at("state") == "timed_out");
    CHECK(cause_text(hangs, "kind") == "hang");
    daemon.await("they are replaced", [&] {
        return daemon.pool(0).integer_at("workers") == 2 &&
               daemon.pool(1).integer_at("workers") == 2 &&
               daemon.pool(2).integer_at("workers") == 1;
    });
    CHECK(beside > 20);
}

TEST_CASE("a job that shows signs of life may run as long as it likes, and one that does not hangs")
{
    const Daemon daemon{pool_with(4, "hang_timeout = \"500ms\"")};
    JsonClient client = daemon.json();
    client.submit("alive", "alive", "160");
    client.submit("chunks", "until_cancelled");
    submit_shell(client, "command", "sleep 0.8");
    client.submit("silent", "block");
    const Value silent = client.result("silent");
    CHECK(silent.text_at("state") == "timed_out");
    CHECK(cause_text(silent, "kind") == "hang");
    CHECK_MESSAGE(stack_of(silent).starts_with("in handler block\n"), stack_of(silent));
    CHECK(end_of(client, "alive") == "succeeded");
    CHECK(end_of(client, "command") == "succeeded");
    client.send(R"({"op":"cancel","id":"chunks"})");
    CHECK(end_of(client, "chunks") == "succeeded");
    // A worker between jobs says nothing, and is left alone.
    CHECK(daemon.pool().integer_at("restarts") == 1);
}

TEST_CASE("a job that ended while the daemon was stopped has not hung")
{
    const Daemon daemon{pool_with(1, "hang_timeout = \"500ms\"")};
    JsonClient client = daemon.json();
    begin(client, "runs", "sleep", "100ms");
    daemon.signal(SIGSTOP);
    std::this_thread::sleep_for(std::chrono::seconds{1});  // nobody sees the job end
    daemon.signal(SIGCONT);
    CHECK(end_of(client, "runs") == "succeeded");
    CHECK(daemon.log().find("worker hangs") == std::string::npos);
}

TEST_CASE("a worker that stood still together with the daemon has not hung")
{
    const Daemon daemon{pool_with(1, "hang_timeout = \"2s\"")};
    JsonClient client = daemon.json();
    const pid_t worker = pid_of_worker(client);
    begin(client, "runs", "alive", "200");
    daemon.signal(SIGSTOP);
    CHECK(::kill(worker, SIGSTOP) == 0);
    std::this_thread::sleep_for(std::chrono::seconds{2});
    daemon.signal(SIGCONT);
    // As one does that had to calculate for a while before its next sign of life.
    std::this_thread::sleep_for(std::chrono::seconds{1});
    CHECK(::kill(worker, SIGCONT) == 0);
    CHECK(end_of(client, "runs") == "succeeded");
    CHECK(daemon.log().find("worker hangs") == std::string::npos);
}

TEST_CASE("a worker that was stopped and goes on in time has not hung")
{
    const Daemon daemon{pool_with(1, "hang_timeout = \"5s\"")};
    JsonClient client = daemon.json();
    const pid_t worker = pid_of_worker(client);
    begin(client, "runs", "alive", "20");
    CHECK(::kill(worker, SIGSTOP) == 0);
    client.ping();
    CHECK(::kill(worker, SIGCONT) == 0);
    CHECK(end_of(client, "runs") == "succeeded");
    CHECK(pid_of_worker(client) == worker);
}

}  // namespace jobmill::tests
