// SPDX-License-Identifier: MIT
// What is too much is answered with busy, by the name of the limit and with a hint when to come
// back; and never because of a session's own jobs within its credit.
#include "tests/e2e/users_daemon.hpp"

namespace jobmill::tests {
namespace {

constexpr uid_t anna = 4711;
constexpr uid_t bert = 4712;

constexpr auto detached = R"(,"detached":true)";

std::string with(const std::string& keys)
{
    return pool_config(1, keys + "\ndrain_timeout = \"0s\"");
}

/// Submits a detached job; what is said to that.
Value submit_one_more(JsonClient& client, const std::string& id, std::string_view payload = "10")
{
    client.submit(id, "sum", payload, detached);
    while (true) {
        auto message = client.next();
        REQUIRE(message);
        if (message->text_at("op") == "accepted" || message->text_at("op") == "error") {
            return std::move(*message);
        }
    }
}

void check_busy(const Value& answer, const std::string& key, std::int64_t limit)
{
    CHECK(answer.text_at("code") == "busy");
    CHECK(answer.text_at("text").find("(" + key + ")") != std::string::npos);
    CHECK(answer.integer_at("limit") == limit);
    CHECK(answer.integer_at("retry_after_ms") > 0);
}

void occupy_the_worker(JsonClient& client)
{
    client.submit("first", "until_cancelled", "", R"(,"started":true)");
    (void)client.next("started", "first");
    client.forget_others();
}

}  // namespace

TEST_CASE("jobs of a session, of a user and in all are bounded" *
          doctest::skip(!AsUser::possible()))
{
    const UsersDaemon daemon{with("max_jobs_per_session = 3\nmax_jobs_per_user = 5\nmax_jobs = 6")};
    JsonClient one = daemon.json_as(anna);
    occupy_the_worker(one);
    CHECK(submit_one_more(one, "a").text_at("op") == "accepted");
    CHECK(submit_one_more(one, "b").text_at("op") == "accepted");
    check_busy(submit_one_more(one, "c"), "max_jobs_per_session", 3);
    JsonClient two = daemon.json_as(anna);
    CHECK(submit_one_more(two, "a").text_at("op") == "accepted");
    CHECK(submit_one_more(two, "b").text_at("op") == "accepted");
    check_busy(submit_one_more(two, "c"), "max_jobs_per_user", 5);
    JsonClient other = daemon.json_as(bert);
    CHECK(submit_one_more(other, "a").text_at("op") == "accepted");
    check_busy(submit_one_more(other, "b"), "max_jobs", 6);
    // What ends makes room, whose session it was of.
    one.send(R"({"op":"cancel","id":"first"})");
    (void)one.result("first");
    daemon.await("the queue is empty", [&] { return daemon.pool().integer_at("done") == 6; });
    CHECK(submit_one_more(one, "d").text_at("op") == "accepted");
}

TEST_CASE("bytes of payloads are bounded for a user, who gathers them as well" *
          doctest::skip(!AsUser::possible()))
{
    const UsersDaemon daemon{with("max_bytes_per_user = \"100 KiB\"")};
    JsonClient client = daemon.json_as(anna);
    occupy_the_worker(client);
    const std::string half(51'200, '7');
    CHECK(submit_one_more(client, "a", half).text_at("op") == "accepted");
    CHECK(submit_one_more(client, "b", half).text_at("op") == "accepted");
    check_busy(submit_one_more(client, "c", "7"), "max_bytes_per_user", 102'400);
    JsonClient other = daemon.json_as(bert);
    CHECK(submit_one_more(other, "a", half).text_at("op") == "accepted");
    other.send(
        R"({"op":"submit","id":"p","handler":"sum","size":60000,"more":true,"payload":"1"})");
    check_busy(other.next("error", "p"), "max_bytes_per_user", 102'400);
}

TEST_CASE("no user takes all sessions" * doctest::skip(!AsUser::possible()))
{
    const UsersDaemon daemon{with("max_sessions = 6\nmax_sessions_per_user = 3")};
    std::vector<JsonClient> sessions;
    for (int i = 0; i < 3; ++i) {
        sessions.push_back(daemon.json_as(anna));
        sessions.back().ping();
    }
    JsonClient more = daemon.json_as(anna);
    check_busy(more.next("error"), "max_sessions_per_user", 3);
    CHECK_FALSE(more.next());
    JsonClient other = daemon.json_as(bert);
    other.ping();
    // Who has to put things right is held to the bound of all only.
    for (int i = 0; i < 2; ++i) {
        sessions.push_back(daemon.json());
        sessions.back().ping();
    }
    JsonClient last = daemon.json();
    check_busy(last.next("error"), "max_sessions", 6);
    sessions.erase(sessions.begin());
    daemon.await("there is room", [&] {
        JsonClient again = daemon.json_as(anna);
        return again.try_ping().empty();
    });
}

TEST_CASE("a session within its credit never meets busy for its own jobs' sake")
{
    const Daemon daemon{with("max_jobs_per_session = 8")};
    BinaryClient client = daemon.binary();
    // One that counts: as many at a time as the welcome said.
    JsonClient json = daemon.json();
    json.send(R"({"op":"hello"})");
    const auto credit = static_cast<std::uint64_t>(json.next("welcome").integer_at("credit_jobs"));
    CHECK(credit == 7);
    constexpr std::uint64_t jobs = 200;
    for (std::uint64_t tag = 1; tag <= jobs; ++tag) {
        if (tag > credit) {
            CHECK(client.result(tag - credit).payload == "55");
        }
        client.submit(tag, "sum", "10");
    }
    for (std::uint64_t tag = jobs - credit + 1; tag <= jobs; ++tag) {
        CHECK(client.result(tag).payload == "55");
    }
    // One that does not count is not read for a while, and loses nothing either.
    Bytes all;
    for (std::uint64_t tag = 1; tag <= jobs; ++tag) {
        encode(Submit{.tag = Tag{tag},
                      .size = 2,
                      .options = {.handler = "sum"},
                      .payload = bytes_of("10")},
               all);
    }
    client.raw().send(all);
    for (std::uint64_t tag = 1; tag <= jobs; ++tag) {
        CHECK(client.result(tag).payload == "55");
    }
}

TEST_CASE("credit in bytes stays below the bounds as well")
{
    const Daemon daemon{with("max_bytes_per_user = \"1 MiB\"")};
    BinaryClient client = daemon.binary();
    const std::string payload(60'000, 'x');
    constexpr std::uint64_t jobs = 100;
    Bytes all;
    for (std::uint64_t tag = 1; tag <= jobs; ++tag) {
        encode(Submit{.tag = Tag{tag},
                      .size = payload.size(),
                      .options = {.handler = "echo"},
                      .payload = bytes_of(payload)},
               all);
    }
    client.raw().send_while_reading(all);
    for (std::uint64_t tag = 1; tag <= jobs; ++tag) {
        CHECK(client.result(tag).payload.size() == payload.size());
    }
}

}  // namespace jobmill::tests
