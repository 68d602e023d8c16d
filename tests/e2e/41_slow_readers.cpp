// SPDX-License-Identifier: MIT
#include <sys/stat.h>

#include <chrono>
#include <deque>
#include <exception>
#include <filesystem>
#include <set>
#include <system_error>
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

/// The daemon's own memory and what its memfds hold, in KiB.
std::uint64_t memory_of(const Daemon& daemon)
{
    std::uint64_t bytes = 0;
    std::set<ino_t> seen;
    const std::filesystem::directory_iterator all{"/proc/" + std::to_string(daemon.pid()) + "/fd"};
    for (const auto& entry : all) {
        std::error_code closed;
        const auto target = std::filesystem::read_symlink(entry.path(), closed);
        struct stat status {};
        if (!closed && target.string().starts_with("/memfd:") &&
            ::stat(entry.path().c_str(), &status) == 0 && seen.insert(status.st_ino).second) {
            bytes += static_cast<std::uint64_t>(status.st_blocks) * 512;
        }
    }
    return daemon.kibibytes("RssAnon") + bytes / 1024;
}

constexpr std::size_t megabyte = 1'000'000;

/// Results of a megabyte each, until the client's jobs wait for it beside free workers.
void submit_unread(BinaryClient& client, int jobs)
{
    for (int i = 1; i <= jobs; ++i) {
        client.submit(static_cast<std::uint64_t>(i), "big", std::to_string(megabyte));
    }
}

void await_held(const Daemon& daemon)
{
    daemon.await("its jobs wait beside free workers", [&] {
        const Value pool = daemon.pool();
        return pool.integer_at("done") > 0 && pool.integer_at("busy") == 0 &&
               pool.integer_at("queued") > 0;
    });
}

/// All results, whole.
void check_all(BinaryClient& client, int jobs)
{
    int results = 0;
    std::size_t bytes = 0;
    while (results < jobs || bytes < static_cast<std::size_t>(jobs) * megabyte) {
        const auto message = client.next();
        REQUIRE(message);
        if (message->type == MessageType::result) {
            ++results;
            CHECK(message->as<JobResult>().state == JobState::succeeded);
        } else if (message->type == MessageType::piece) {
            bytes += message->as<Piece>().payload.size();
        }
    }
    CHECK(results == jobs);
    CHECK(bytes == static_cast<std::size_t>(jobs) * megabyte);
    client.ping();
}

}  // namespace

TEST_CASE("a client that reads nothing stops its own job and fills nobody's memory")
{
    for (const int size : {1'000'000, 10'000}) {
        CAPTURE(size);
        const Daemon daemon{pool_config(1) + "[pool.other]\nworkers = 1\n"};
        JsonClient other = daemon.json();
        other.ping();
        const std::uint64_t before = memory_of(daemon);
        JsonClient client = daemon.json();
        submit_chunks(client, size);
        const std::string job = client.job_of("a");
        await_standstill(daemon);
        for (int i = 0; i < 20; ++i) {
            other.submit("b", "sum", "10", R"(,"pool":"other")");
            CHECK(other.result("b").text_at("payload") == "55");
        }
        if (!sanitized) {
            CHECK(memory_of(daemon) <= before + std::uint64_t{8} * 1024);
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

TEST_CASE("who does not read keeps no result from another whose job stood behind his")
{
    const Daemon daemon{pool_config(1)};
    const auto emit = [](JsonClient& client, const std::string& id, int count) {
        client.send(R"({"op":"submit","id":")" + id + R"(","handler":"chunks","args":{"count":)" +
                    std::to_string(count) + R"(,"size":60000}})");
    };
    // With the first chunk, or one of the next, more is unread than may be: it depends on what the
    // sockets take.
    for (int chunks = 1; chunks <= 8; ++chunks) {
        CAPTURE(chunks);
        JsonClient silent = daemon.json();
        JsonClient other = daemon.json();
        const std::int64_t done = daemon.pool().integer_at("done");
        emit(silent, "first", 20);
        daemon.await("it is done", [&] { return daemon.pool().integer_at("done") > done; });
        // Short, lately: a worker is given the next job before it is done with one of these.
        for (int i = 0; i < 40; ++i) {
            emit(other, "o", 0);
            (void)other.result("o");
            other.submit("o", "sum", "10");
            (void)other.result("o");
        }
        emit(silent, "second", chunks);
        const auto begin = std::chrono::steady_clock::now();
        other.submit("behind", "sum", "10");
        CHECK(other.result("behind").text_at("payload") == "55");
        CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{10});
    }
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

TEST_CASE("large results that nobody reads cost little, and all are read in the end")
{
    constexpr int jobs = 600 / factor;
    const Daemon daemon{pool_config(2)};
    BinaryClient client = daemon.binary();
    client.ping();
    daemon.await_workers(2);
    const std::uint64_t before = memory_of(daemon);
    submit_unread(client, jobs);
    await_held(daemon);
    // Its window, and what the workers have done of what they held when it was full: half a dozen
    // results of a mebibyte, more when they are quicker than the word that calls jobs back.
    if (!sanitized) {
        CHECK(memory_of(daemon) <= before + std::uint64_t{12} * 1024);
    }
    check_all(client, jobs);
}

TEST_CASE("what many sessions of a user leave unread is bounded in sum")
{
    constexpr int jobs = 30;
    const Daemon daemon{pool_config(2, "unread_bytes = \"8 MiB\"")};
    std::deque<BinaryClient> silent;
    for (int i = 0; i < 6; ++i) {
        silent.emplace_back(daemon.socket());
    }
    BinaryClient reader = daemon.binary();
    daemon.await_workers(2);
    const std::uint64_t before = memory_of(daemon);
    for (BinaryClient& client : silent) {
        submit_unread(client, jobs);
    }
    await_held(daemon);
    // What the user may have, and for each session a result, whose memfd is freed whole, and
    // buffers; with windows that know nothing of each other it would be five results each.
    // And four that workers were done with before they were called back.
    constexpr std::uint64_t most = std::uint64_t{8 + 7 * 2 + 4} * 1024;
    if (!sanitized) {
        CHECK(memory_of(daemon) <= before + most);
    }
    submit_unread(reader, jobs);
    check_all(reader, jobs);
    if (!sanitized) {
        CHECK(memory_of(daemon) <= before + most);
    }
    for (BinaryClient& client : silent) {
        check_all(client, jobs);
    }
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
            const std::string state{message->text_at("state")};
            if (message->text_at("id") == "first") {
                // It may be stopped before its worker comes to hear that it is cancelled.
                CHECK((state == "succeeded" || state == "cancelled"));
            } else {
                CHECK(state == "succeeded");
                ++results[static_cast<std::size_t>(std::stoi(std::string{message->text_at("id")}))];
            }
        }
        CHECK((results == std::vector<int>(jobs, 1)));
    }
    client.ping();
}

}  // namespace jobmill::tests
