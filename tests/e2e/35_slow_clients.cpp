// SPDX-License-Identifier: MIT
// Clients that are slow on purpose: to speak, to finish a message, to read.
#include <poll.h>

#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

using namespace std::chrono_literals;

/// What a client sends that never comes to an end of it, a byte at a time.
constexpr std::string_view beginnings[] = {
    "",             // nothing at all
    "\x8fJOBMILL",  // the preamble, and no hello
    "{\"op\":\"submit\",\"id\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n",
};

bool over(const RawClient& client)
{
    pollfd state{client.socket(), POLLIN, 0};
    (void)::poll(&state, 1, 0);
    return (state.revents & POLLHUP) != 0;
}

}  // namespace

TEST_CASE("of fifty clients that dribble none is there after its time")
{
    const Daemon daemon{
        pool_config(1, "first_frame_timeout = \"250ms\"\nframe_timeout = \"500ms\"")};
    JsonClient worker = daemon.json();
    worker.ping();
    daemon.check_healthy();
    daemon.await_workers(1);
    const std::size_t before = daemon.open_descriptors();
    std::vector<std::pair<RawClient, std::string_view>> slow;
    for (std::size_t i = 0; i < 50; ++i) {
        slow.emplace_back(RawClient{daemon.socket()}, beginnings[i % std::size(beginnings)]);
    }
    const auto start = std::chrono::steady_clock::now();
    std::size_t step = 0;
    daemon.await("they are gone", [&] {
        std::size_t left = 0;
        for (auto& [client, text] : slow) {
            if (over(client)) {
                continue;
            }
            ++left;
            if (step % 8 == 0 && step / 8 < text.size()) {
                try {
                    client.send(text.substr(step / 8, 1));
                } catch (const std::exception&) {
                    // It was let go this moment.
                }
            }
        }
        ++step;
        return left == 0;
    });
    CHECK(std::chrono::steady_clock::now() - start >= 250ms);
    for (auto& [client, text] : slow) {
        client.await_end();
        CHECK(text_of(client.unread()).find("timeout") != std::string_view::npos);
    }
    // Who has spoken is there all along, and what the others held is not.
    worker.ping();
    daemon.await("the descriptors are closed", [&] { return daemon.open_descriptors() <= before; });
}

TEST_CASE("a client that reads nothing is let go, and the worker that waited for it is free")
{
    Daemon daemon{pool_config(1, "stall_timeout = \"300ms\"")};
    JsonClient stuck = daemon.json();
    stuck.send(
        R"({"op":"submit","id":"a","handler":"chunks","args":{"count":60000,"size":10000}})");
    JsonClient other = daemon.json();
    other.submit("b", "sum", "10");
    CHECK(other.result("b").text_at("payload") == "55");
    daemon.await_log("session stalled");
    daemon.await("its job and its worker are free", [&] {
        return daemon.jobs() == 0 && daemon.pool().integer_at("busy") == 0 &&
               daemon.pool().integer_at("lent") == 0;
    });
}

TEST_CASE("results that nobody reads wait outside of the daemon's memory, and none is lost")
{
    const Daemon daemon{pool_config(1)};
    JsonClient other = daemon.json();
    other.submit("first", "until_cancelled");
    const std::string first = other.job_of("first");
    BinaryClient client = daemon.binary();
    constexpr std::uint64_t jobs = 1000;
    Bytes all;
    for (std::uint64_t tag = 1; tag <= jobs; ++tag) {
        encode(Submit{.tag = Tag{jobs + tag},
                      .size = 5,
                      .options = {.handler = "big", .detached = true},
                      .payload = bytes_of("60000")},
               all);
        const JobId job{std::stoull(first) + tag};
        encode(Wait{.tag = Tag{tag}, .job = job}, all);
    }
    client.raw().send(all);
    client.ping();
    const std::uint64_t before = daemon.kibibytes("RssAnon");
    other.send(R"({"op":"cancel","job":")" + first + R"("})");
    // They run whether it reads or not, since they are detached.
    const auto done = static_cast<std::int64_t>(jobs) + 1;
    daemon.await("the jobs are done", [&] { return daemon.pool().integer_at("done") == done; });
    if (!sanitized) {
        CHECK(daemon.kibibytes("RssAnon") <= before + 8192);
    }
    for (std::uint64_t tag = 1; tag <= jobs; ++tag) {
        CHECK(client.result(tag).payload.size() == 60'000);
    }
    daemon.await("the descriptors are closed", [&] { return daemon.open_descriptors() < 60; });
}

}  // namespace jobmill::tests
