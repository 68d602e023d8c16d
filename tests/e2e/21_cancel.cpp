// SPDX-License-Identifier: MIT
#include <csignal>
#include <sstream>

#include "tests/e2e/e2e_daemon.hpp"
#include "tests/e2e/job_life.hpp"

namespace jobmill::tests {
namespace {

void check_cancelled(const Value& result, const char* was)
{
    CHECK(result.text_at("state") == "cancelled");
    CHECK(cause_text(result, "kind") == "cancel");
    CHECK(cause_text(result, "was") == was);
}

}  // namespace

TEST_CASE("a queued job that is cancelled never runs")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("runs", "until_cancelled");
    (void)client.next("chunk", "runs");
    client.submit("waits", "echo", "never");
    client.send(R"({"op":"cancel","id":"waits"})");
    check_cancelled(client.result("waits"), "queued");
    client.send(R"({"op":"cancel","id":"runs"})");
    (void)client.result("runs");
}

TEST_CASE("a running job that looks at the flag stops and its worker lives on")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("before", "pid");
    const std::string pid{client.result("before").text_at("payload")};
    client.submit("a", "stops_if_cancelled", "", R"(,"started":true)");
    client.submit("b", "pid");
    await_looking(client, "a");
    client.send(R"({"op":"cancel","id":"a"})");
    check_cancelled(client.result("a"), "running");
    CHECK(client.result("b").text_at("payload") == pid);
}

TEST_CASE("a job that ignores the flag is ended by SIGTERM and one that blocks it by SIGKILL")
{
    const Daemon daemon{pool_config(2)};
    JsonClient client = daemon.json();
    client.submit("hangs", "hang", "", R"(,"started":true)");
    client.submit("blocks", "ignore_term");
    (void)client.next("started", "hangs");
    (void)client.next("chunk", "blocks");
    client.send(R"({"op":"cancel","id":"blocks"})");
    client.send(R"({"op":"cancel","id":"hangs"})");
    check_cancelled(client.result("hangs"), "running");
    check_cancelled(client.result("blocks"), "running");
    daemon.await("both are replaced", [&] {
        const Value pool = daemon.pool();
        return pool.integer_at("restarts") == 2 && pool.integer_at("workers") == 2;
    });
    CHECK(daemon.pool().integer_at("crashed") == 0);
}

TEST_CASE("a job that has finished already cannot be cancelled")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("a", "echo", "done");
    const std::string job = client.job_of("a");
    CHECK(client.result("a").text_at("payload") == "done");
    client.send(R"({"op":"cancel","id":"a"})");
    CHECK(client.next("error", "a").text_at("code") == "not_found");
    client.send(R"({"op":"cancel","id":"x","job":")" + job + R"("})");
    const Value error = client.next("error", "x");
    CHECK(error.text_at("code") == "not_found");
    CHECK(error.text_at("text") == "already succeeded");
}

TEST_CASE("a job that ends well in spite of its cancel has succeeded")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("a", "until_cancelled");
    (void)client.next("chunk", "a");
    client.send(R"({"op":"cancel","id":"a"})");
    const Value result = client.result("a");
    CHECK(result.text_at("state") == "succeeded");
    CHECK(result.text_at("payload") == "stopped");
}

TEST_CASE("a tag belongs to its own session")
{
    const Daemon daemon{pool_config(1)};
    JsonClient owner = daemon.json();
    JsonClient other = daemon.json();
    owner.submit("a", "until_cancelled");
    (void)owner.next("chunk", "a");
    other.send(R"({"op":"cancel","id":"a"})");
    CHECK(other.next("error", "a").text_at("code") == "not_found");
    owner.send(R"({"op":"cancel","id":"a"})");
    (void)owner.result("a");
}

TEST_CASE("another session of the same user cancels by the job's number")
{
    const Daemon daemon{pool_config(1)};
    JsonClient owner = daemon.json();
    JsonClient other = daemon.json();
    owner.submit("a", "hang");
    const std::string job = owner.job_of("a");
    other.send(R"({"op":"cancel","id":"r","job":")" + job + R"("})");
    const Value answer = other.next("cancelled", "r");
    CHECK(answer.integer_at("queued") + answer.integer_at("running") == 1);
    CHECK(owner.result("a").text_at("state") == "cancelled");
    other.send(R"({"op":"cancel","id":"r","job":"18446744073709551615"})");
    CHECK(other.next("error", "r").text_at("code") == "not_found");
}

TEST_CASE("all jobs of a user are cancelled at once and counted")
{
    const Daemon daemon{pool_config(2)};
    JsonClient owner = daemon.json();
    JsonClient other = daemon.json();
    for (int i = 0; i < 2; ++i) {
        owner.submit("r" + std::to_string(i), "sleep", "1h", R"(,"started":true)");
        (void)owner.next("started", "r" + std::to_string(i));
    }
    for (int i = 0; i < 5; ++i) {
        owner.submit("q" + std::to_string(i), "echo");
    }
    owner.ping();
    other.send(R"({"op":"cancel","id":"all","all":true})");
    const Value answer = other.next("cancelled", "all");
    CHECK(answer.integer_at("queued") == 5);
    CHECK(answer.integer_at("running") == 2);
    for (int i = 0; i < 5; ++i) {
        CHECK(owner.result("q" + std::to_string(i)).text_at("state") == "cancelled");
    }
    (void)owner.result("r0");
    (void)owner.result("r1");
    CHECK(daemon.pool().integer_at("cancelled") == 7);
    CHECK(daemon.pool().integer_at("done") == 7);
    CHECK(daemon.pool().integer_at("succeeded") == 0);
    other.send(R"({"op":"cancel","id":"all","all":true})");
    CHECK(other.next("error", "all").text_at("code") == "not_found");
}

TEST_CASE("what a cancelled job had started is gone")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("a", "fork_hold");
    const Value chunk = client.next("chunk", "a");
    const auto child = static_cast<pid_t>(std::stol(std::string{chunk.text_at("payload")}));
    client.send(R"({"op":"cancel","id":"a"})");
    check_cancelled(client.result("a"), "running");
    daemon.await("the child is gone", [&] { return !process_exists(child); });
    daemon.check_healthy();
}

TEST_CASE("commands in sessions of their own are gone after a cancel")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.send(R"({"op":"submit","id":"a","handler":"exec","args":{"argv":["/bin/sh","-c",)"
                R"("setsid sh -c 'trap \"\" TERM; echo $$; sleep 1000' & sleep 1000"]}})");
    const Value chunk = client.next("chunk", "a");
    const auto pid = static_cast<pid_t>(std::stol(std::string{chunk.text_at("payload")}));
    CHECK(process_exists(pid));
    client.send(R"({"op":"cancel","id":"a"})");
    CHECK(client.result("a").text_at("state") == "cancelled");
    daemon.await("the command is gone", [&] { return !process_exists(pid); });
}

TEST_CASE("the jobs of a client that leaves are cancelled")
{
    const Daemon daemon{pool_config(2)};
    pid_t child = 0;
    {
        JsonClient client = daemon.json();
        client.submit("a", "fork_hold");
        child = static_cast<pid_t>(
            std::stol(std::string{client.next("chunk", "a").text_at("payload")}));
        client.submit("b", "hang");
        client.submit("c", "hang");
        client.ping();
    }
    daemon.await("no job is left", [&] { return daemon.jobs() == 0; });
    daemon.await("the child is gone", [&] { return !process_exists(child); });
    daemon.check_healthy();
}

TEST_CASE("frames cancel by tag and by job and all")
{
    const Daemon daemon{pool_config(1)};
    BinaryClient client = daemon.binary();
    client.submit(1, "fork_hold");
    const std::uint64_t job = number(client.next(MessageType::accepted, 1).as<Accepted>().job);
    (void)client.next(MessageType::chunk, 1);
    client.submit(2, "echo");
    client.send(Cancel{.tag = Tag{2}, .what = CancelWhat::tag});
    CHECK(client.result(2).cause.was == "queued");
    client.send(Cancel{.tag = Tag{77}, .what = CancelWhat::job, .job = JobId{job}});
    CHECK(client.next(MessageType::cancelled, 77).as<Cancelled>().running == 1);
    CHECK(client.result(1).state == JobState::cancelled);
    client.send(Cancel{.tag = Tag{78}, .what = CancelWhat::all});
    CHECK(client.error(78).code == error_code::not_found);
}

TEST_CASE("unless it runs: what waits is cancelled, and what runs goes on and says so")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("runs", "fork_hold");
    (void)client.next("chunk", "runs");
    client.submit("b", "echo");
    client.submit("c", "echo");
    client.send(R"({"op":"submit","id":"later","handler":"echo","delay_ms":3600000})");
    client.send(R"({"op":"cancel","id":"b","unless_running":true})");
    check_cancelled(client.result("b"), "queued");
    client.send(R"({"op":"cancel","id":"runs","unless_running":true})");
    CHECK(client.next("error", "runs").text_at("code") == "running");
    client.send(R"({"op":"cancel","id":"all","session":true,"unless_running":true})");
    const Value answer = client.next("cancelled", "all");
    CHECK(answer.integer_at("queued") == 2);
    CHECK(answer.integer_at("running") == 1);
    check_cancelled(client.result("c"), "queued");
    check_cancelled(client.result("later"), "waiting");
    CHECK(daemon.jobs() == 1);
    client.send(R"({"op":"cancel","id":"runs"})");
    check_cancelled(client.result("runs"), "running");
}

TEST_CASE("unless they run: of many that were sent ahead each either ran or was taken back")
{
    // Short ones, so that a worker holds many that it has not begun.
    const Daemon daemon{pool_config(2)};
    BinaryClient client = daemon.binary();
    constexpr std::uint64_t jobs = 1000;  // within the credit
    for (std::uint64_t tag = 1; tag <= jobs; ++tag) {
        client.submit(tag, "sum", "100000");
    }
    client.send(Cancel{.tag = Tag{9999}, .what = CancelWhat::session, .unless_running = true});
    std::uint64_t cancelled = 0;
    for (std::uint64_t tag = 1; tag <= jobs; ++tag) {
        const auto result = client.result(tag);
        if (result.state == JobState::cancelled) {
            CHECK(result.cause.was == "queued");
            ++cancelled;
        } else {
            CHECK(result.state == JobState::succeeded);
        }
    }
    CHECK(client.next(MessageType::cancelled, 9999).as<Cancelled>().queued == cancelled);
    daemon.check_healthy();
}

TEST_CASE("what is submitted behind a cancel that looks at many jobs begins at once")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    // More than are looked at in the turn in which the cancel comes.
    std::string jobs;
    for (int job = 0; job < 1100; ++job) {
        jobs += R"({"op":"submit","id":")" + std::to_string(job) +
                R"(","handler":"echo","detached":true,"delay_ms":3600000})" + "\n";
    }
    client.raw().send_while_reading(bytes_of(jobs));
    client.ping();
    client.forget_others();
    client.raw().send(R"({"op":"cancel","id":"none","label":"nobody's"})"
                      "\n"
                      R"({"op":"submit","id":"a","handler":"echo","queue_timeout_ms":1000})"
                      "\n");
    CHECK(client.next("error", "none").text_at("code") == "not_found");
    // Else it would have been forgotten until its time to begin was over.
    CHECK(client.result("a").text_at("state") == "succeeded");
    client.send(R"({"op":"cancel","id":"all","all":true})");
    CHECK(client.next("cancelled", "all").integer_at("queued") == 1100);
}

}  // namespace jobmill::tests
