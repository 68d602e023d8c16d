// SPDX-License-Identifier: MIT
#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

constexpr auto detached = R"(,"detached":true)";

/// Submits a detached job and leaves; answers its number.
std::string submit_and_leave(const Daemon& daemon, std::string_view handler,
                             std::string_view payload = "", const std::string& more = "")
{
    JsonClient client = daemon.json();
    client.submit("d", handler, payload, detached + more);
    return client.job_of("d");
}

void wait_for(JsonClient& client, const std::string& id, const std::string& job)
{
    client.send(R"({"op":"wait","id":")" + id + R"(","job":")" + job + R"("})");
}

void await_done(const Daemon& daemon, std::int64_t count)
{
    daemon.await("the jobs are done", [&] { return daemon.pool().integer_at("done") == count; });
}

}  // namespace

TEST_CASE("a detached job outlives its client and is read by another in order")
{
    const Daemon daemon{pool_config(1)};
    const std::string job =
        submit_and_leave(daemon, "chunks", "", R"(,"args":{"count":5,"size":3})");
    await_done(daemon, 1);
    JsonClient reader = daemon.json();
    wait_for(reader, "w", job);
    for (int i = 0; i < 5; ++i) {
        const auto chunk = reader.next();
        REQUIRE(chunk);
        CHECK(chunk->text_at("op") == "chunk");
        CHECK(chunk->text_at("id") == "w");
        CHECK(chunk->text_at("job") == job);
        CHECK(chunk->text_at("payload") == "ccc");
    }
    const auto result = reader.next();
    REQUIRE(result);
    CHECK(result->text_at("op") == "result");
    CHECK(result->text_at("state") == "succeeded");
    // What was read is not kept.
    wait_for(reader, "w", job);
    const Value error = reader.next("error", "w");
    CHECK(error.text_at("code") == "not_found");
    CHECK(error.text_at("text").find("was read") != std::string::npos);
    CHECK(daemon.jobs() == 0);
}

TEST_CASE("a running detached job is followed from its first unread chunk")
{
    const Daemon daemon{pool_config(1)};
    const std::string job = submit_and_leave(daemon, "until_cancelled");
    JsonClient reader = daemon.json();
    wait_for(reader, "w", job);
    CHECK(reader.next("chunk", "w").text_at("payload") == "running");
    reader.send(R"({"op":"cancel","id":"c","job":")" + job + R"("})");
    CHECK(reader.result("w").text_at("payload") == "stopped");
}

TEST_CASE("a detached job has one reader at a time and the next when he leaves")
{
    const Daemon daemon{pool_config(1)};
    const std::string job = submit_and_leave(daemon, "until_cancelled");
    JsonClient second = daemon.json();
    {
        JsonClient first = daemon.json();
        wait_for(first, "w", job);
        (void)first.next("chunk", "w");
        wait_for(second, "w", job);
        CHECK(second.next("error", "w").text_at("code") == "busy");
    }
    second.ping();
    wait_for(second, "w", job);
    second.send(R"({"op":"cancel","id":"c","job":")" + job + R"("})");
    CHECK(second.result("w").text_at("payload") == "stopped");
}

TEST_CASE("a wait for a job of somebody who reads it himself is refused")
{
    const Daemon daemon{pool_config(1)};
    JsonClient owner = daemon.json();
    owner.submit("a", "until_cancelled");
    JsonClient other = daemon.json();
    wait_for(other, "w", owner.job_of("a"));
    CHECK(other.next("error", "w").text_at("code") == "not_found");
    owner.send(R"({"op":"cancel","id":"a"})");
    (void)owner.result("a");
}

TEST_CASE("a crash and a failure of a detached job are kept like any result")
{
    const Daemon daemon{pool_config(1)};
    const std::string crash = submit_and_leave(daemon, "segv");
    const std::string failure = submit_and_leave(daemon, "throw", "no luck");
    await_done(daemon, 2);
    CHECK(daemon.jobs() == 2);
    JsonClient reader = daemon.json();
    wait_for(reader, "f", failure);
    wait_for(reader, "c", crash);
    CHECK(cause_text(reader.result("f"), "text") == "no luck");
    CHECK(cause_text(reader.result("c"), "signal") == "SIGSEGV");
}

TEST_CASE("unread results beyond the limit are gone and say why")
{
    const Daemon daemon{pool_config(1, "unread_bytes = \"1 MiB\"")};
    const std::string old = submit_and_leave(daemon, "big", "400000");
    const std::string middle = submit_and_leave(daemon, "big", "400000");
    const std::string young = submit_and_leave(daemon, "big", "400000");
    const std::string huge =
        submit_and_leave(daemon, "chunks", "", R"(,"args":{"count":30,"size":50000})");
    await_done(daemon, 4);
    JsonClient reader = daemon.json();
    wait_for(reader, "old", old);
    const Value error = reader.next("error", "old");
    CHECK(error.text_at("code") == "gone");
    CHECK(error.text_at("text").find("newer unread results needed the 1 MiB") != std::string::npos);
    wait_for(reader, "huge", huge);
    const Value too_much = reader.next("error", "huge");
    CHECK(too_much.text_at("code") == "gone");
    CHECK(too_much.text_at("text").find("its output was more than the 1 MiB") != std::string::npos);
}

TEST_CASE("the output of one job beyond the limit does not cost other jobs theirs")
{
    const Daemon daemon{pool_config(1, "unread_bytes = \"1 MiB\"")};
    const std::string young = submit_and_leave(daemon, "big", "100000");
    const std::string next = submit_and_leave(daemon, "big", "100000");
    await_done(daemon, 2);
    JsonClient reader = daemon.json();
    for (const std::string& job : {young, next}) {
        wait_for(reader, "w", job);
        CHECK(reader.result("w").text_at("state") == "succeeded");
    }
}

TEST_CASE("results that nobody reads in time are gone and say how long they waited")
{
    const Daemon daemon{pool_config(1, "unread_age = \"300ms\"")};
    const std::string job = submit_and_leave(daemon, "echo", "unread");
    daemon.await("it is dropped",
                 [&] { return daemon.pool().integer_at("done") == 1 && daemon.jobs() == 0; });
    JsonClient reader = daemon.json();
    wait_for(reader, "w", job);
    const Value error = reader.next("error", "w");
    CHECK(error.text_at("code") == "gone");
    CHECK(error.text_at("text").find("nobody read it for 300ms") != std::string::npos);
}

TEST_CASE("a detached batch is read by a client that comes back")
{
    const Daemon daemon{pool_config(2)};
    std::vector<std::string> jobs;
    {
        JsonClient client = daemon.json();
        for (int i = 0; i < 200; ++i) {
            client.submit(std::to_string(i), "sum", std::to_string(i), detached);
        }
        for (int i = 0; i < 200; ++i) {
            jobs.push_back(client.job_of(std::to_string(i)));
        }
    }
    JsonClient reader = daemon.json();
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        wait_for(reader, "w" + std::to_string(i), jobs[i]);
    }
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        const Value result = reader.result("w" + std::to_string(i));
        CHECK(result.text_at("payload") == std::to_string(i * (i + 1) / 2));
    }
}

}  // namespace jobmill::tests
