// SPDX-License-Identifier: MIT
#include <sys/resource.h>

#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {

TEST_CASE("clients beyond the configured number are told to come back")
{
    const Daemon daemon{pool_config(1, "max_sessions = 5")};
    std::vector<JsonClient> clients;
    for (int i = 0; i < 5; ++i) {
        clients.push_back(daemon.json());
        clients.back().ping();
    }
    JsonClient late = daemon.json();
    const Value error = late.next("error");
    CHECK(error.text_at("code") == "busy");
    CHECK(error.integer_at("retry_after_ms") > 0);
    CHECK_FALSE(late.next());
    clients.pop_back();
    clients.front().ping();
    JsonClient next = daemon.json();
    next.ping();
}

TEST_CASE("clients beyond the descriptors are told so and the daemon does not spin")
{
    const Daemon daemon{std::make_shared<Place>(), with_descriptors(64, pool_config(1))};
    daemon.await_workers(1);
    std::vector<JsonClient> clients;
    int served = 0;
    int turned_away = 0;
    for (int i = 0; i < 100; ++i) {
        clients.push_back(daemon.json());
        const std::string refusal = clients.back().try_ping();
        served += refusal.empty() ? 1 : 0;
        turned_away += refusal == "busy" ? 1 : 0;
    }
    CHECK(served > 10);
    CHECK(turned_away > 10);
    CHECK(served + turned_away == 100);
    // Idle now: a daemon that spins runs for as long as the clock does.
    const std::uint64_t before = run_time_of(daemon.pid());
    CHECK_FALSE(clients.front().raw().readable_within(std::chrono::milliseconds{500}));
    CHECK(run_time_of(daemon.pid()) - before < 100'000'000);
    // Who is in is served, and there is room again when they leave.
    clients.front().submit("x", "sum", "10");
    CHECK(clients.front().result("x").text_at("payload") == "55");
    clients.clear();
    daemon.await("there is room", [&] {
        JsonClient client = daemon.json();
        return client.try_ping().empty();
    });
    daemon.check_healthy();
}

TEST_CASE("a client that not even a refusal can be sent waits, and the daemon does not spin")
{
    const Daemon daemon{pool_config(1)};
    daemon.check_healthy();
    rlimit usual{};
    REQUIRE(::prlimit(daemon.pid(), RLIMIT_NOFILE, nullptr, &usual) == 0);
    const rlimit none{.rlim_cur = 0, .rlim_max = usual.rlim_max};
    REQUIRE(::prlimit(daemon.pid(), RLIMIT_NOFILE, &none, nullptr) == 0);
    JsonClient client = daemon.json();
    const std::uint64_t before = run_time_of(daemon.pid());
    CHECK_FALSE(client.raw().readable_within(std::chrono::milliseconds{500}));
    CHECK(run_time_of(daemon.pid()) - before < 50'000'000);
    REQUIRE(::prlimit(daemon.pid(), RLIMIT_NOFILE, &usual, nullptr) == 0);
    client.ping();
}

TEST_CASE("workers are replaced as soon as there are descriptors again")
{
    const Daemon daemon{std::make_shared<Place>(), with_descriptors(64, pool_config(2))};
    daemon.await_workers(2);
    std::vector<JsonClient> clients;
    do {
        clients.push_back(daemon.json());
    } while (clients.back().try_ping().empty());
    clients.front().submit("x", "segv");
    clients.front().submit("y", "segv");
    CHECK(clients.front().result("x").text_at("state") == "crashed");
    CHECK(clients.front().result("y").text_at("state") == "crashed");
    clients.clear();
    daemon.await("there is room", [&] {
        JsonClient client = daemon.json();
        return client.try_ping().empty();
    });
    daemon.await_workers(2);
    daemon.check_healthy();
}

TEST_CASE("results that nobody reads leave descriptors for workers, and are whole")
{
    const Daemon daemon{std::make_shared<Place>(), with_descriptors(64, pool_config(2))};
    BinaryClient client = daemon.binary();
    constexpr std::uint64_t jobs = 100;
    constexpr std::size_t size = 100'000;
    for (std::uint64_t tag = 1; tag <= jobs; ++tag) {
        client.send(Submit{.tag = Tag{tag},
                           .size = 6,
                           .options = {.handler = "big", .detached = true},
                           .payload = bytes_of(std::to_string(size))});
    }
    const std::uint64_t first = number(client.next(MessageType::accepted, 1).as<Accepted>().job);
    daemon.await("all are done", [&] {
        return daemon.pool().integer_at("done") == static_cast<std::int64_t>(jobs);
    });
    client.submit(jobs + 1, "segv");
    CHECK(client.result(jobs + 1).state == JobState::crashed);
    daemon.await_workers(2);
    for (std::uint64_t i = 0; i < jobs; ++i) {
        client.send(Wait{.tag = Tag{1000 + i}, .job = JobId{first + i}});
        CHECK(client.result(1000 + i).payload.size() == size);
    }
}

TEST_CASE("large results stay out of the daemon's own memory when descriptors are scarce")
{
    const Daemon daemon{std::make_shared<Place>(), with_descriptors(64, pool_config(1))};
    daemon.await_workers(1);
    BinaryClient client = daemon.binary();
    constexpr std::uint64_t jobs = 20;
    constexpr std::size_t size = std::size_t{2} << 20U;
    const std::uint64_t before = daemon.kibibytes("RssAnon");
    for (std::uint64_t tag = 1; tag <= jobs; ++tag) {
        client.send(Submit{.tag = Tag{tag},
                           .size = 7,
                           .options = {.handler = "blank", .detached = true},
                           .payload = bytes_of(std::to_string(size))});
    }
    const std::uint64_t first = number(client.next(MessageType::accepted, 1).as<Accepted>().job);
    daemon.await("all are done", [&] {
        return daemon.pool().integer_at("done") == static_cast<std::int64_t>(jobs);
    });
    CHECK(daemon.open_descriptors() > 32);
    CHECK(daemon.kibibytes("RssAnon") < before + 2 * size / 1024);
    for (std::uint64_t i = 0; i < jobs; ++i) {
        client.send(Wait{.tag = Tag{1000 + i}, .job = JobId{first + i}});
        CHECK(client.result(1000 + i).payload.size() == size);
    }
}

}  // namespace jobmill::tests
