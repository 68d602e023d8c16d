// SPDX-License-Identifier: MIT
#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {

TEST_CASE("results come in the order of completion and not of submission")
{
    const Daemon daemon{pool_config(4)};
    daemon.await_workers(4);
    JsonClient client = daemon.json();
    for (const char* const time : {"300", "200", "100", "50"}) {
        client.submit(time, "sleep", std::string{time} + "ms");
    }
    // The client is free meanwhile.
    client.ping();
    std::vector<std::string> order;
    while (order.size() < 4) {
        order.emplace_back(client.next("result").text_at("id"));
    }
    CHECK(order == std::vector<std::string>{"50", "100", "200", "300"});
}

TEST_CASE("frames get their results in the order of completion as well")
{
    const Daemon daemon{pool_config(4)};
    daemon.await_workers(4);
    BinaryClient client = daemon.binary();
    for (const std::uint64_t time : {300U, 200U, 100U, 50U}) {
        client.submit(time, "sleep", std::to_string(time) + "ms");
    }
    client.ping();
    std::vector<std::uint64_t> order;
    while (order.size() < 4) {
        const auto heard = client.next();
        REQUIRE(heard);
        if (heard->type == MessageType::result) {
            order.push_back(heard->id);
        }
    }
    CHECK(order == std::vector<std::uint64_t>{50, 100, 200, 300});
}

TEST_CASE("a client submits and gets results while an earlier job still runs")
{
    const Daemon daemon{pool_config(2)};
    JsonClient client = daemon.json();
    client.submit("long", "until_cancelled");
    (void)client.next("chunk", "long");
    for (int i = 0; i < 50; ++i) {
        const std::string id = std::to_string(i);
        client.submit(id, "sum", id);
        CHECK(client.result(id).text_at("payload") == std::to_string(i * (i + 1) / 2));
    }
    client.send(R"({"op":"cancel","id":"long"})");
    (void)client.result("long");
}

TEST_CASE("after the end of its input a client gets everything and then the end")
{
    const Daemon daemon{pool_config(4)};
    daemon.await_workers(4);
    JsonClient client = daemon.json();
    for (const char* const time : {"150", "100", "50"}) {
        client.submit(time, "sleep", std::string{time} + "ms");
    }
    client.raw().end_output();
    std::vector<std::string> order;
    for (const Value& message : client.rest()) {
        if (message.text_at("op") == "result") {
            order.emplace_back(message.text_at("id"));
        }
    }
    CHECK(order == std::vector<std::string>{"50", "100", "150"});
}

TEST_CASE("a last line without its newline counts when the input ends")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.raw().send(R"({"op":"submit","id":"a","handler":"sum","payload":"100"})");
    client.raw().end_output();
    CHECK(client.result("a").text_at("payload") == "5050");
    CHECK(client.rest().size() == 1);  // accepted
}

TEST_CASE("the end of input in frames is followed by all results and the end")
{
    const Daemon daemon{pool_config(2)};
    BinaryClient client = daemon.binary();
    client.submit(1, "sleep", "60ms");
    client.submit(2, "sum", "100");
    client.raw().end_output();
    CHECK(client.result(2).payload == "5050");
    CHECK(client.result(1).state == JobState::succeeded);
    while (const auto heard = client.next()) {
        CHECK(heard->type == MessageType::accepted);
    }
}

TEST_CASE("a job that takes long after one that did not is accepted while it runs")
{
    const Daemon daemon{pool_config(1)};
    BinaryClient client = daemon.binary();
    // `accepted` may wait for the next result now; here there is none for as long as it takes.
    client.submit(1, "echo");
    (void)client.next(MessageType::result, 1);
    client.submit(2, "sleep", "1h");
    const JobId job = client.next(MessageType::accepted, 2).as<Accepted>().job;
    client.send(Cancel{.tag = Tag{3}, .what = CancelWhat::job, .job = job});
    CHECK(client.next(MessageType::result, 2).as<JobResult>().state == JobState::cancelled);
}

TEST_CASE("submits that come together are accepted as one range")
{
    const Daemon daemon{pool_config(2)};
    BinaryClient client = daemon.binary();
    Bytes frames;
    for (std::uint64_t tag = 10; tag < 30; ++tag) {
        encode(Submit{.tag = Tag{tag},
                      .size = 1,
                      .options = {.handler = "echo"},
                      .payload = bytes_of("x")},
               frames);
    }
    client.raw().send(frames);
    std::uint64_t covered = 0;
    std::uint64_t first_job = 0;
    while (covered < 20) {
        const auto heard = client.next();
        REQUIRE(heard);
        if (heard->type != MessageType::accepted) {
            continue;
        }
        const auto& accepted = heard->as<Accepted>();
        CHECK(number(accepted.first) == 10 + covered);
        if (covered == 0) {
            first_job = number(accepted.job);
        }
        CHECK(number(accepted.job) == first_job + covered);
        covered += accepted.count;
    }
    CHECK(covered == 20);
}

TEST_CASE("started tells when a job begins and not when it is queued")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("a", "until_cancelled", "", R"(,"started":true)");
    client.submit("b", "echo", "", R"(,"started":true)");
    (void)client.next("started", "a");
    client.ping();
    client.send(R"({"op":"cancel","id":"a"})");
    std::vector<std::string> order;
    while (order.empty() || order.back() != "result b") {
        const auto message = client.next();
        REQUIRE(message);
        const std::string op{message->text_at("op")};
        if (op == "started" || op == "result") {
            order.push_back(op + " " + std::string{message->text_at("id")});
        }
    }
    CHECK(order == std::vector<std::string>{"result a", "started b", "result b"});
}

TEST_CASE("progress comes while a job runs when it was asked for")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("a", "progress", "7", R"(,"progress":true)");
    CHECK(client.result("a").text_at("state") == "succeeded");
    const auto more = client.raw().readable_within(std::chrono::milliseconds{0});
    CHECK_FALSE(more);
}

TEST_CASE("a job of one pool does not wait for the jobs of another")
{
    const Daemon daemon{pool_config(1) + "[pool.other]\nworkers = 1\n"};
    JsonClient client = daemon.json();
    client.submit("a", "hang");
    client.submit("b", "sum", "3", R"(,"pool":"other")");
    CHECK(client.result("b").text_at("payload") == "6");
    client.send(R"({"op":"cancel","id":"a"})");
    (void)client.result("a");
}

TEST_CASE("no short job waits behind a long one, though workers hold several")
{
    const Daemon daemon{pool_config(2)};
    daemon.await_workers(2);
    BinaryClient client = daemon.binary();
    constexpr std::uint64_t endless = 100'000;
    constexpr std::uint64_t jobs = 2000;
    const auto submit = [&](std::uint64_t from, std::uint64_t to) {
        for (std::uint64_t tag = from; tag < to; ++tag) {
            client.submit(tag, "sum", "10");
        }
    };
    // So short that workers are given many ahead; the endless one comes among them.
    submit(1, jobs / 2);
    client.submit(endless, "until_cancelled");
    submit(jobs / 2, jobs);
    for (std::uint64_t tag = 1; tag < jobs; ++tag) {
        CHECK(client.result(tag).payload == "55");
    }
    (void)client.next(MessageType::chunk, endless);  // it has looked at the flag by then
    client.send(Cancel{.tag = Tag{endless}, .what = CancelWhat::tag});
    CHECK(client.result(endless).payload == "stopped");
    CHECK(daemon.pool().integer_at("restarts") == 0);
}

}  // namespace jobmill::tests
