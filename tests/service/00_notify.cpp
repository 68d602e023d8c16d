// SPDX-License-Identifier: MIT
#include <algorithm>
#include <csignal>

#include "tests/e2e/e2e_daemon.hpp"
#include "tests/service/pretend_manager.hpp"

namespace jobmill::tests {
namespace {

using namespace std::chrono_literals;

bool none_has(const std::vector<std::string>& messages, std::string_view part)
{
    return std::none_of(messages.begin(), messages.end(), [&](const std::string& message) {
        return message.find(part) != std::string::npos;
    });
}

}  // namespace

TEST_CASE("readiness is told once, when clients can connect")
{
    const PretendManager manager;
    const auto daemon = manager.start(pool_config(1));
    const std::string ready = manager.await("READY=1");
    CHECK(ready.find("STATUS=1 pool; jobs run as ") != std::string::npos);
    JsonClient{daemon->socket()}.ping();
    daemon->signal(SIGTERM);
    const std::string stopping = manager.await("STOPPING=1");
    CHECK(stopping.find("EXTEND_TIMEOUT_USEC=") != std::string::npos);
    CHECK(daemon->await_departure().exit_code == 0);
    CHECK(none_has(manager.heard(), "READY=1"));
}

TEST_CASE("a daemon whose pool cannot load was never ready")
{
    const PretendManager manager;
    const auto daemon = manager.start("[pool.default]\nmodules = [\"/nowhere.so\"]\n");
    CHECK(daemon->await_departure().exit_code == 78);
    CHECK(none_has(manager.heard(), "READY=1"));
}

TEST_CASE("a daemon that hangs does not feed its watchdog")
{
    const PretendManager manager;
    const auto daemon = manager.start(pool_config(1), {"WATCHDOG_USEC=300000"});
    (void)manager.await("READY=1");
    (void)manager.await("WATCHDOG=1");
    daemon->signal(SIGSTOP);
    // What was on its way when it stopped has come after this.
    while (manager.hears_within(250ms)) {
        (void)manager.heard();
    }
    CHECK_FALSE(manager.hears_within(300ms));
    daemon->signal(SIGCONT);
    (void)manager.await("WATCHDOG=1");
    CHECK(daemon->stop().empty());
}

TEST_CASE("while jobs are finished the manager is asked for time")
{
    const PretendManager manager;
    const auto daemon = manager.start(pool_config(1, "drain_timeout = \"1h\""));
    (void)manager.await("READY=1");
    JsonClient client{daemon->socket()};
    client.submit("a", "until_cancelled");
    (void)client.next("chunk", "a");
    daemon->signal(SIGTERM);
    (void)manager.await("STOPPING=1");
    (void)manager.await("EXTEND_TIMEOUT_USEC=");
    client.send(R"({"op":"cancel","id":"a"})");
    CHECK(client.result("a").text_at("payload") == "stopped");
    CHECK(daemon->await_departure().exit_code == 0);
}

TEST_CASE("no worker is told what is between the daemon and its manager")
{
    PretendManager manager;
    manager.listen();
    const auto daemon = manager.start(pool_config(1), {"WATCHDOG_USEC=30000000"});
    JsonClient client{daemon->socket()};
    client.submit("a", "env");
    const std::string environment = payload_of(client.result("a"));
    CHECK(environment.find("PATH=") != std::string::npos);
    for (const char* const name : {"NOTIFY_SOCKET=", "LISTEN_", "WATCHDOG_"}) {
        CHECK(environment.find(name) == std::string::npos);
    }
    daemon->signal(SIGTERM);
    CHECK(daemon->await_departure().exit_code == 0);
}

}  // namespace jobmill::tests
