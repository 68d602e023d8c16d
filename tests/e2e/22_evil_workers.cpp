// SPDX-License-Identifier: MIT
#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {

TEST_CASE("a worker that writes garbage to its link is replaced and its job is lost")
{
    const Daemon daemon{pool_config(2)};
    JsonClient neighbour = daemon.json();
    neighbour.submit("beside", "until_cancelled");
    (void)neighbour.next("chunk", "beside");
    JsonClient client = daemon.json();
    for (int i = 0; i < 5; ++i) {
        client.submit("evil", "garbage_link", "stay");
        const Value result = client.result("evil");
        CHECK(result.text_at("state") == "crashed");
        CHECK(cause_text(result, "kind") == "lost");
        CHECK(cause_text(result, "text").find("nonsense") != std::string::npos);
        client.submit("next", "sum", "10");
        CHECK(client.result("next").text_at("payload") == "55");
    }
    CHECK(daemon.pool().integer_at("restarts") == 5);
    neighbour.send(R"({"op":"cancel","id":"beside"})");
    CHECK(neighbour.result("beside").text_at("payload") == "stopped");
}

TEST_CASE("what a worker finished before and behind nonsense in its link is not lost")
{
    constexpr int rounds = 20;
    constexpr int jobs = 50;
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    int lost = 0;
    for (int round = 0; round < rounds; ++round) {
        for (int i = 0; i < jobs; ++i) {
            client.submit(std::to_string(i), i == jobs / 2 ? "garbage_link" : "sum", "10");
        }
        for (int i = 0; i < jobs; ++i) {
            const Value result = client.result(std::to_string(i));
            const bool succeeded = result.text_at("state") == "succeeded";
            lost += succeeded ? 0 : 1;
            CHECK((succeeded || cause_text(result, "kind") == "lost"));
            CHECK((!succeeded || i == jobs / 2 || result.text_at("payload") == "55"));
        }
    }
    // One for each worker that was replaced: what it had begun, and not finished, when it was
    // killed.
    CHECK(lost <= rounds);
    daemon.await("the last is replaced",
                 [&] { return daemon.pool().integer_at("restarts") == rounds; });
}

TEST_CASE("a worker that scribbles over its segment harms nobody else")
{
    const Daemon daemon{pool_config(2)};
    JsonClient neighbour = daemon.json();
    neighbour.submit("beside", "until_cancelled");
    (void)neighbour.next("chunk", "beside");
    JsonClient client = daemon.json();
    for (int i = 0; i < 5; ++i) {
        client.submit("crash", "scribble", "crash");
        CHECK(client.result("crash").text_at("state") == "crashed");
        client.submit("evil", "scribble");
        (void)client.result("evil");
        // Whatever became of the worker, the next jobs get their results.
        for (int j = 0; j < 4; ++j) {
            client.submit("next", "sum", "10");
            CHECK(client.result("next").text_at("payload") == "55");
        }
        client.submit("watched", "progress", "50", R"(,"progress":true)");
        CHECK(client.result("watched").text_at("state") == "succeeded");
    }
    neighbour.send(R"({"op":"cancel","id":"beside"})");
    CHECK(neighbour.result("beside").text_at("payload") == "stopped");
}

TEST_CASE("a worker that has scribbled over its segment can still be cancelled")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("evil", "scribble");
    (void)client.result("evil");
    client.submit("hangs", "hang");
    client.ping();
    client.send(R"({"op":"cancel","id":"hangs"})");
    CHECK(client.result("hangs").text_at("state") == "cancelled");
    daemon.check_healthy();
}

TEST_CASE("a worker that makes more than it may gets none of it through")
{
    const Daemon daemon{pool_config(1, "max_payload = \"1 MiB\"")};
    JsonClient client = daemon.json();
    client.submit("evil", "forget_bound");
    const Value result = client.result("evil");
    CHECK(result.text_at("state") == "failed");
    CHECK(cause_text(result, "text") ==
          "a result of 2097152 bytes; the limit (max_payload) is 1048576");
    client.submit("worse", "forget_bound", "chunk");
    const Value lost = client.result("worse");
    CHECK(lost.text_at("state") == "crashed");
    CHECK(cause_text(lost, "text").find("a partial result of 2097152 bytes") != std::string::npos);
    client.submit("next", "sum", "10");
    CHECK(client.result("next").text_at("payload") == "55");
}

TEST_CASE("a worker that floods its standard error keeps nobody waiting")
{
    const Daemon daemon{pool_config(2)};
    JsonClient client = daemon.json();
    client.submit("flood", "stderr_spam", "64");
    for (int i = 0; i < 20; ++i) {
        client.submit("a", "sum", "10");
        CHECK(client.result("a").text_at("payload") == "55");
    }
    CHECK(client.result("flood").text_at("state") == "succeeded");
}

TEST_CASE("a handler that leaks descriptors or memory does so in its own process")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    daemon.check_healthy();
    const std::uint64_t before = daemon.kibibytes("RssAnon");
    for (int i = 0; i < 8; ++i) {
        client.submit("a", "leak", "8388608");
        CHECK(client.result("a").text_at("state") == "succeeded");
    }
    CHECK(daemon.kibibytes("RssAnon") < before + 4096);
}

}  // namespace jobmill::tests
