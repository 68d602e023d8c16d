// SPDX-License-Identifier: MIT
#include <exception>
#include <thread>

#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

constexpr int factor = sanitized ? 10 : 1;

/// 600 MB in chunks of that size.
void submit_chunks(JsonClient& client, int size)
{
    client.send(R"({"op":"submit","id":"a","handler":"chunks","args":{"count":)" +
                std::to_string(600'000'000 / size / factor) + R"(,"size":)" + std::to_string(size) +
                "}}");
}

/// Until the daemon, which has a job that wants to write, has not run for a while.
void await_standstill(const Daemon& daemon)
{
    daemon.await("the job runs", [&] { return daemon.pool().integer_at("busy") == 1; });
    std::uint64_t last = 0;
    int same = 0;
    daemon.await("everybody waits", [&] {
        const std::uint64_t now = run_time_of(daemon.pid());
        same = now == last && now > 0 ? same + 1 : 0;
        last = now;
        return same > 100;
    });
}

}  // namespace

TEST_CASE("a client that reads nothing stops its own job and fills nobody's memory")
{
    for (const int size : {1'000'000, 10'000}) {
        CAPTURE(size);
        const Daemon daemon{pool_config(1) + "[pool.other]\nworkers = 1\n"};
        JsonClient other = daemon.json();
        other.ping();
        const std::uint64_t before = daemon.kibibytes("RssAnon");
        JsonClient client = daemon.json();
        submit_chunks(client, size);
        const std::string job = client.job_of("a");
        await_standstill(daemon);
        for (int i = 0; i < 20; ++i) {
            other.submit("b", "sum", "10", R"(,"pool":"other")");
            CHECK(other.result("b").text_at("payload") == "55");
        }
        if (!sanitized) {
            CHECK(daemon.kibibytes("RssAnon") <= before + 8 * 1024);
        }
        other.send(R"({"op":"cancel","id":"c","job":")" + job + R"("})");
        CHECK(other.next("cancelled", "c").integer_at("running") == 1);
        CHECK(client.result("a").text_at("state") == "cancelled");
        daemon.check_healthy();
    }
}

TEST_CASE("a job that waits for its reader lends its place to the jobs of others")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    submit_chunks(client, 10'000);
    const std::string job = client.job_of("a");
    await_standstill(daemon);
    JsonClient other = daemon.json();
    for (const char* const id : {"1", "2", "3"}) {
        other.submit(id, "sum", "10");
        CHECK(other.result(id).text_at("payload") == "55");
    }
    CHECK(daemon.pool().integer_at("lent") == 1);
    other.send(R"({"op":"cancel","id":"c","job":")" + job + R"("})");
    CHECK(other.next("cancelled", "c").integer_at("running") == 1);
    CHECK(client.result("a").text_at("state") == "cancelled");
    daemon.await("the place is its own again",
                 [&] { return daemon.pool().integer_at("lent") == 0; });
    daemon.check_healthy();
}

TEST_CASE("large chunks that nobody reads are not made in advance")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.send(
        R"({"op":"submit","id":"a","handler":"chunks","args":{"count":60,"size":1000000}})");
    await_standstill(daemon);
    CHECK(daemon.pool().integer_at("busy") == 1);
    CHECK(daemon.open_descriptors() < 40);
    std::size_t size = 0;
    for (bool ended = false; !ended;) {
        const auto message = client.next();
        REQUIRE(message);
        size += payload_of(*message).size();
        ended = message->text_at("op") == "result";
    }
    CHECK(size == 60'000'000);
}

TEST_CASE("a reader that was slow gets everything in the end")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.send(
        R"({"op":"submit","id":"a","handler":"chunks","args":{"count":3000,"size":10000}})");
    await_standstill(daemon);
    int chunks = 0;
    for (bool ended = false; !ended;) {
        const auto message = client.next();
        REQUIRE(message);
        chunks += message->text_at("op") == "chunk" ? 1 : 0;
        ended = message->text_at("op") == "result";
    }
    CHECK(chunks == 3000);
}

TEST_CASE("while a client does not read, its queued jobs wait and those of others run")
{
    // Two dozen results of that size are more than may be unread.
    constexpr int jobs = 400;
    constexpr std::size_t size = 60'000;
    const Daemon daemon{pool_config(1)};
    const auto done = [&] { return daemon.pool().integer_at("done"); };
    JsonClient client = daemon.json();
    for (int i = 0; i < jobs; ++i) {
        client.submit(std::to_string(i), "big", std::to_string(size));
    }
    daemon.await("its jobs wait beside a free worker", [&] {
        const Value pool = daemon.pool();
        return pool.integer_at("done") > 0 && pool.integer_at("busy") == 0 &&
               pool.integer_at("queued") > 0;
    });
    const std::int64_t before = done();
    CHECK(before < jobs / 4);
    JsonClient other = daemon.json();
    for (int i = 0; i < 20; ++i) {
        other.submit("b", "sum", "10");
        CHECK(other.result("b").text_at("payload") == "55");
    }
    CHECK(done() == before + 20);
    for (int i = 0; i < jobs; ++i) {
        CHECK(client.whole_payload(std::to_string(i)).size() == size);
    }
    CHECK(done() == 20 + jobs);
    client.ping();
}

TEST_CASE("jobs beyond the credit are held back and none is lost")
{
    constexpr int jobs = 20'000 / factor;
    const Daemon daemon{pool_config(1, "credit_jobs = 100")};
    JsonClient client = daemon.json();
    client.submit("first", "until_cancelled");
    const std::string first = client.job_of("first");
    std::string lines;
    for (int i = 0; i < jobs; ++i) {
        lines += R"({"op":"submit","id":")" + std::to_string(i) +
                 R"(","handler":"sum","payload":"4"})" + "\n";
    }
    JsonClient other = daemon.json();
    const auto unfinished = [&] {
        other.send(R"({"op":"status"})");
        const Value status = other.next("status");
        return status.find("jobs")->array()->size() +
               static_cast<std::size_t>(status.integer_at("more_jobs"));
    };
    {
        const std::jthread writer{[&] {
            try {
                client.raw().send(lines);
            } catch (const std::exception&) {
                // Results will be missing.
            }
        }};
        // One beyond the window is what stops the daemon's reading.
        daemon.await("the window is full", [&] { return unfinished() >= 100; });
        for (int i = 0; i < 50; ++i) {
            CHECK(unfinished() <= 101);
        }
        other.send(R"({"op":"cancel","id":"c","job":")" + first + R"("})");
        std::vector<int> results(jobs);
        for (int left = jobs + 1; left > 0;) {
            const auto message = client.next();
            REQUIRE(message);
            if (message->text_at("op") != "result") {
                continue;
            }
            --left;
            CHECK(message->text_at("state") == "succeeded");
            if (message->text_at("id") != "first") {
                ++results[static_cast<std::size_t>(std::stoi(std::string{message->text_at("id")}))];
            }
        }
        CHECK((results == std::vector<int>(jobs, 1)));
    }
    client.ping();
}

}  // namespace jobmill::tests
