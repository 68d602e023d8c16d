// SPDX-License-Identifier: MIT
#include <csignal>
#include <filesystem>

#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

void check_departure(Daemon& daemon)
{
    const Departure departure = daemon.await_departure();
    CHECK(departure.exit_code == 0);
    CHECK(children_of(::getpid()).empty());
    CHECK_FALSE(std::filesystem::exists(daemon.socket()));
}

}  // namespace

TEST_CASE("a job that is shorter than the grace ends well and its client hears everything")
{
    Daemon daemon{pool_config(1, "drain_timeout = \"20s\"")};
    JsonClient client = daemon.json();
    client.submit("a", "sleep", "150ms", R"(,"started":true)");
    (void)client.next("started", "a");
    client.submit("waits", "echo");
    client.ping();
    daemon.signal(SIGTERM);
    CHECK(client.next("closing").integer_at("grace_ms") == 20'000);
    client.submit("late", "echo");
    CHECK(client.next("error", "late").text_at("code") == "closing");
    const Value waits = client.result("waits");
    CHECK(waits.text_at("state") == "cancelled");
    CHECK(cause_text(waits, "kind") == "stopping");
    CHECK(cause_text(waits, "was") == "queued");
    CHECK(client.result("a").text_at("state") == "succeeded");
    for (const Value& rest : client.rest()) {
        CHECK(rest.text_at("op") == "accepted");
    }
    check_departure(daemon);
}

TEST_CASE("a job that is longer than the grace is stopped and says so")
{
    Daemon daemon{pool_config(3, "drain_timeout = \"200ms\"")};
    JsonClient client = daemon.json();
    for (const char* const handler : {"hang", "fork_hold"}) {
        client.submit(handler, handler, "", R"(,"started":true)");
        (void)client.next("started", handler);
    }
    client.submit("sleep", "sleep", "1h", R"(,"started":true)");
    (void)client.next("started", "sleep");
    daemon.signal(SIGTERM);
    for (const char* const id : {"hang", "fork_hold", "sleep"}) {
        CAPTURE(id);
        const Value result = client.result(id);
        CHECK(result.text_at("state") == "cancelled");
        CHECK(cause_text(result, "kind") == "stopping");
        CHECK(cause_text(result, "was") == "running");
    }
    check_departure(daemon);
}

TEST_CASE("a second SIGTERM stops it now")
{
    Daemon daemon{pool_config(2, "drain_timeout = \"1h\"")};
    JsonClient client = daemon.json();
    client.submit("a", "ignore_term");
    (void)client.next("chunk", "a");
    daemon.signal(SIGTERM);
    (void)client.next("closing");
    daemon.signal(SIGTERM);
    CHECK(cause_text(client.result("a"), "kind") == "stopping");
    check_departure(daemon);
}

TEST_CASE("what stopped jobs had started is gone before the daemon is")
{
    for (const bool twice : {false, true}) {
        Daemon daemon{pool_config(1, "drain_timeout = \"100ms\"")};
        JsonClient client = daemon.json();
        client.send(R"({"op":"submit","id":"a","handler":"exec","args":{"argv":["/bin/sh","-c",)"
                    R"("for i in 1 2 3 4 5 6 7 8; do setsid sleep 1000 & done; echo; wait"]}})");
        (void)client.next("chunk", "a");
        daemon.signal(SIGTERM);
        (void)client.next("closing");
        if (twice) {
            daemon.signal(SIGTERM);
        }
        CHECK(cause_text(client.result("a"), "kind") == "stopping");
        check_departure(daemon);
    }
}

TEST_CASE("nobody can connect once it stops")
{
    Daemon daemon{pool_config(1, "drain_timeout = \"20s\"")};
    JsonClient client = daemon.json();
    client.submit("a", "until_cancelled");
    (void)client.next("chunk", "a");
    daemon.signal(SIGTERM);
    (void)client.next("closing");
    CHECK_THROWS(RawClient{daemon.socket()});
    client.send(R"({"op":"cancel","id":"a"})");
    CHECK(client.result("a").text_at("payload") == "stopped");
    check_departure(daemon);
}

TEST_CASE("a client that reads nothing does not keep it from stopping")
{
    Daemon daemon{pool_config(1, "drain_timeout = \"200ms\"")};
    BinaryClient client = daemon.binary();
    client.submit(1, "big", "67108864");
    (void)client.next(MessageType::result, 1);
    daemon.signal(SIGTERM);
    check_departure(daemon);
}

TEST_CASE("it stops while its templates still load and while clients come")
{
    const auto place = std::make_shared<Place>();
    DaemonUnderTest daemon{place, {.config = pool_config(4), .arguments = {"-l", "debug"}}};
    daemon.await_log("template started");
    CHECK(daemon.stop().empty());
}

}  // namespace jobmill::tests
