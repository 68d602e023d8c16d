// SPDX-License-Identifier: MIT
#include <csignal>
#include <filesystem>

#include "tests/e2e/e2e_daemon.hpp"
#include "tests/service/pretend_manager.hpp"

namespace jobmill::tests {
namespace {

void check_stop(DaemonUnderTest& daemon)
{
    daemon.signal(SIGTERM);
    CHECK(daemon.await_departure().exit_code == 0);
    CHECK(children_of(::getpid()).empty());
}

}  // namespace

TEST_CASE("the manager's socket is served and stays when the daemon goes")
{
    PretendManager manager;
    manager.listen();
    const auto daemon = manager.start(pool_config(1));
    JsonClient{manager.socket()}.ping();
    check_stop(*daemon);
    CHECK(std::filesystem::is_socket(manager.socket()));
}

TEST_CASE("who connects while no daemon runs is served by the next one")
{
    PretendManager manager;
    manager.listen();
    JsonClient early{manager.socket()};
    early.submit("a", "sum", "100");
    const auto first = manager.start(pool_config(1));
    CHECK(early.result("a").text_at("payload") == "5050");
    check_stop(*first);
    JsonClient between{manager.socket()};
    between.submit("a", "sum", "10");
    const auto second = manager.start(pool_config(1));
    CHECK(between.result("a").text_at("payload") == "55");
    check_stop(*second);
}

TEST_CASE("a daemon that stops leaves who waits in the queue to the next one")
{
    PretendManager manager;
    manager.listen();
    const auto first = manager.start(pool_config(1, "drain_timeout = \"1h\""));
    JsonClient inside{manager.socket()};
    inside.submit("a", "until_cancelled");
    (void)inside.next("chunk", "a");
    first->signal(SIGTERM);
    (void)inside.next("closing");
    JsonClient waiting{manager.socket()};
    waiting.submit("b", "sum", "100");
    inside.send(R"({"op":"cancel","id":"a"})");
    CHECK(inside.result("a").text_at("payload") == "stopped");
    CHECK(first->await_departure().exit_code == 0);
    CHECK_FALSE(waiting.raw().readable_within(std::chrono::milliseconds{0}));
    const auto second = manager.start(pool_config(1));
    CHECK(waiting.result("b").text_at("payload") == "5050");
    check_stop(*second);
}

TEST_CASE("a daemon that is killed loses the manager's clients nothing but their session")
{
    PretendManager manager;
    manager.listen();
    const auto first = manager.start(pool_config(1));
    JsonClient inside{manager.socket()};
    inside.ping();
    first->kill_hard();
    CHECK_FALSE(inside.next().has_value());
    JsonClient again{manager.socket()};
    again.submit("a", "sum", "100");
    const auto second = manager.start(pool_config(1));
    CHECK(again.result("a").text_at("payload") == "5050");
    check_stop(*second);
}

TEST_CASE("a second daemon at the manager's socket is told of the first")
{
    PretendManager manager;
    manager.listen();
    const auto first = manager.start(pool_config(1));
    JsonClient{manager.socket()}.ping();
    const auto second = manager.start(pool_config(1));
    const Departure departure = second->await_departure();
    CHECK(departure.exit_code == 75);
    CHECK(departure.log.find("pid " + std::to_string(first->pid())) != std::string::npos);
    check_stop(*first);
}

TEST_CASE("a configuration that names another socket than the manager's is refused")
{
    PretendManager manager;
    manager.listen();
    const auto daemon = manager.start_at("/nowhere/s", pool_config(1));
    const Departure departure = daemon->await_departure();
    CHECK(departure.exit_code == 78);
    CHECK(departure.log.find("listens at " + manager.socket() +
                             ", but the configuration says /nowhere/s") != std::string::npos);
}

}  // namespace jobmill::tests
