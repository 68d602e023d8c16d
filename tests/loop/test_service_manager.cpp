// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <vector>

#include <doctest/doctest.h>

#include "daemon/service_manager.hpp"
#include "tests/loop/loop_fixture.hpp"
#include "tests/support/notify_socket.hpp"
#include "tests/unit/daemon/temp_directory.hpp"

// There is one thread. NOLINTBEGIN(concurrency-mt-unsafe)

using namespace jobmill;
using namespace std::chrono_literals;
using jobmill::daemon::ServiceManager;
using jobmill::tests::NotifySocket;
using jobmill::tests::TempDirectory;

namespace {

/// A variable of this process for as long as a test needs it.
class Variable {
public:
    Variable(const char* name, const std::string& value) : name_(name)
    {
        (void)::setenv(name, value.c_str(), 1);
    }
    ~Variable() { (void)::unsetenv(name_); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

private:
    const char* name_;
};

class ManagedFixture : public tests::LoopFixture {
public:
    /// As systemd starts a service with WatchdogSec=; none for an empty text.
    ServiceManager started(const std::string& watchdog_usec = {})
    {
        std::optional<Variable> watchdog;
        if (!watchdog_usec.empty()) {
            watchdog.emplace("WATCHDOG_USEC", watchdog_usec);
        }
        auto manager = ServiceManager::from_environment();
        REQUIRE_MESSAGE(manager.has_value(), manager.error().what);
        return std::move(*manager);
    }
    [[nodiscard]] bool socket_is_full() const
    {
        const UniqueFd other{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        socket.path().copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
        return ::sendto(other.get(), "x", 1, MSG_DONTWAIT,
                        reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0;
    }
    std::vector<std::string> said()
    {
        std::vector<std::string> all;
        while (auto message = socket.next()) {
            all.push_back(std::move(*message));
        }
        return all;
    }

    TempDirectory directory;
    NotifySocket socket{directory / "notify"};
    Variable variable{"NOTIFY_SOCKET", socket.path()};
};

const std::vector<std::string> fed_once{"WATCHDOG=1"};

}  // namespace

TEST_CASE_FIXTURE(ManagedFixture, "readiness is told with a sentence for people")
{
    ServiceManager manager = started();
    manager.ready("2 pools");
    CHECK(said() == std::vector<std::string>{"READY=1\nSTATUS=2 pools"});
}

TEST_CASE_FIXTURE(ManagedFixture, "a reload begins at a time and ends with readiness")
{
    ServiceManager manager = started();
    manager.reloading();
    manager.ready("3 pools");
    const auto all = said();
    REQUIRE(all.size() == 2);
    CHECK(all[0].starts_with("RELOADING=1\nMONOTONIC_USEC="));
    CHECK(all[1] == "READY=1\nSTATUS=3 pools");
}

TEST_CASE_FIXTURE(ManagedFixture, "the watchdog is fed three times in its period while all is well")
{
    ServiceManager manager = started("300000");
    REQUIRE(manager.attach(loop, [] { return true; }));
    CHECK(said() == fed_once);
    const auto begin = loop::EventLoop::now();
    std::size_t fed = 0;
    CHECK(run_until([&] { return (fed += said().size()) >= 3; }));
    CHECK(loop::EventLoop::now() - begin >= 250ms);
}

TEST_CASE_FIXTURE(ManagedFixture,
                  "the watchdog goes hungry while something is amiss, and no longer")
{
    bool healthy = false;
    ServiceManager manager = started("3000");
    REQUIRE(manager.attach(loop, [&] { return healthy; }));
    run_for(50ms);
    CHECK(said().empty());
    healthy = true;
    CHECK(run_until([&] { return !said().empty(); }));
}

TEST_CASE_FIXTURE(ManagedFixture, "without a watchdog nothing feeds one")
{
    ServiceManager manager = started();
    REQUIRE(manager.attach(loop, [] { return true; }));
    run_for(20ms);
    CHECK(said().empty());
}

TEST_CASE_FIXTURE(ManagedFixture, "a start asks for time until it is ready, and no longer")
{
    ServiceManager manager = started();
    REQUIRE(manager.attach(loop, [] { return true; }));
    manager.starting();
    std::vector<std::string> told;
    CHECK(run_until(
        [&] {
            told = said();
            return !told.empty();
        },
        4s));
    CHECK(told == std::vector<std::string>{"EXTEND_TIMEOUT_USEC=10000000"});
    manager.ready("1 pool");
    CHECK(said() == std::vector<std::string>{"READY=1\nSTATUS=1 pool"});
    // Longer than from one request to the next.
    run_for(2500ms);
    CHECK(said().empty());
}

TEST_CASE_FIXTURE(ManagedFixture, "a stop asks for time until it is over")
{
    {
        ServiceManager manager = started();
        REQUIRE(manager.attach(loop, [] { return true; }));
        manager.stopping("finishing");
        CHECK(said() == std::vector<std::string>{
                            "STOPPING=1\nEXTEND_TIMEOUT_USEC=10000000\nSTATUS=finishing"});
        CHECK(run_until([&] { return !said().empty(); }, 4s));
    }
    run_for(10ms);
    CHECK(said().empty());
}

TEST_CASE_FIXTURE(ManagedFixture, "a manager that does not read keeps nobody waiting")
{
    ServiceManager manager = started("3000");
    REQUIRE(manager.attach(loop, [] { return true; }));
    // Its queue is full of signs of life, whatever its length is.
    CHECK(run_until([&] { return socket_is_full(); }));
    manager.ready("1 pool");
    manager.stopping("finishing");
    std::vector<std::string> told;
    CHECK(run_until([&] {
        for (const std::string& message : said()) {
            if (message.find("STATUS=") != std::string::npos) {
                told.push_back(message);
            }
        }
        return told.size() == 2;
    }));
    CHECK(told[0].starts_with("READY=1"));
    CHECK(told[1].starts_with("STOPPING=1"));
}

TEST_CASE_FIXTURE(ManagedFixture, "a manager that has gone is no trouble")
{
    ServiceManager manager = started();
    REQUIRE(manager.attach(loop, [] { return true; }));
    REQUIRE(::unlink(socket.path().c_str()) == 0);
    manager.ready("");
    manager.stopping("");
    run_for(20ms);
}

TEST_CASE("a manager's socket may have an abstract name")
{
    tests::LoopFixture fixture;
    const std::string name = "jobmill-test-" + std::to_string(::getpid());
    const NotifySocket socket{std::string(1, '\0') + name};
    const Variable variable{"NOTIFY_SOCKET", "@" + name};
    auto manager = ServiceManager::from_environment();
    REQUIRE(manager.has_value());
    CHECK(std::getenv("NOTIFY_SOCKET") == nullptr);
    manager->status("here");
    CHECK(socket.next() == "STATUS=here");
}

TEST_CASE_FIXTURE(ManagedFixture, "what was for this process alone leaves the environment")
{
    const Variable fds{"LISTEN_FDS", "1"};
    const Variable pid{"LISTEN_PID", "1"};
    CHECK(started("5000000").take_sockets().empty());
    CHECK(std::getenv("WATCHDOG_USEC") == nullptr);
    CHECK(std::getenv("LISTEN_FDS") == nullptr);
    CHECK(std::getenv("LISTEN_PID") == nullptr);
}

TEST_CASE_FIXTURE(ManagedFixture, "a watchdog that is meant for another process is not fed")
{
    const Variable pid{"WATCHDOG_PID", "1"};
    ServiceManager manager = started("3000");
    REQUIRE(manager.attach(loop, [] { return true; }));
    run_for(20ms);
    CHECK(said().empty());
}

TEST_CASE("words of the service manager that make no sense are refused by name")
{
    for (const std::string& name : {std::string{"notify"}, "/" + std::string(200, 'x')}) {
        const Variable socket{"NOTIFY_SOCKET", name};
        CHECK_FALSE(ServiceManager::from_environment().has_value());
    }
    const Variable period{"WATCHDOG_USEC", "soon"};
    const auto manager = ServiceManager::from_environment();
    REQUIRE_FALSE(manager.has_value());
    CHECK(manager.error().what.starts_with("WATCHDOG_USEC"));
}

TEST_CASE("without a service manager nothing happens")
{
    tests::LoopFixture fixture;
    auto manager = ServiceManager::from_environment();
    REQUIRE(manager.has_value());
    REQUIRE(manager->attach(fixture.loop, [] { return true; }));
    CHECK(manager->take_sockets().empty());
    manager->ready("");
    manager->stopping("");
}

// NOLINTEND(concurrency-mt-unsafe)
