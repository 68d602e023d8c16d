// SPDX-License-Identifier: MIT
// A program that uses the library alone, and starts the daemon by it.
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <set>
#include <thread>

#include <doctest/doctest.h>

#include "common/unique_fd.hpp"
#include "jobmill/start.hpp"
#include "tests/support/daemon_under_test.hpp"

namespace jobmill::tests {
namespace {

// No other thread is there yet that could look at the environment.
void set(const char* name, const std::string& value)
{
    REQUIRE(::setenv(name, value.c_str(), 1) == 0);  // NOLINT(concurrency-mt-unsafe)
}
void unset(const char* name)
{
    REQUIRE(::unsetenv(name) == 0);  // NOLINT(concurrency-mt-unsafe)
}

/// A user with a home of his own; whatever daemon he has is gone afterwards.
class User {
public:
    User()
    {
        for (const char* name : {"HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME"}) {
            set(name, place_.directory());
        }
        set("PATH", JOBMILL_PROGRAMS ":/usr/bin:/bin");
        unset("JOBMILL_SOCKET");
        unset("JOBMILL_NO_START");
        unset("JOBMILL_IDLE_TIMEOUT");
    }
    ~User()
    {
        const auto client = Client::connect();
        if (client) {
            const auto pid = static_cast<pid_t>(client->welcome().pid);
            const UniqueFd process{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
            (void)::kill(pid, SIGKILL);
            pollfd left{process.get(), POLLIN, 0};
            (void)::poll(&left, 1, 20'000);
        }
    }
    User(const User&) = delete;
    User& operator=(const User&) = delete;

private:
    Place place_;
};

std::string sum(Client& client)
{
    const auto run = client.run({.handler = "sum", .payload = bytes_of("100")});
    REQUIRE_MESSAGE(run, run.error().what);
    return std::string{text_of(run->result.payload)};
}

}  // namespace

TEST_CASE("a program of the library's gets a daemon, and no child")
{
    const User user;
    CHECK(Client::connect().error().code == Errc::not_found);
    const UniqueFd open_for_all{::open("/dev/null", O_RDONLY)};  // not close-on-exec
    auto client = connect_or_start({.name = "me"});
    REQUIRE_MESSAGE(client, client.error().what);
    CHECK(sum(*client) == "5050");
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
    auto second = connect_or_start();
    REQUIRE(second);
    CHECK(second->welcome().pid == client->welcome().pid);
}

TEST_CASE("waiting for a daemon ends when its caller wants no more")
{
    const User user;
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    const UniqueFd read{ends[0]};
    const UniqueFd write{ends[1]};
    REQUIRE(::write(write.get(), "x", 1) == 1);
    for (const auto& client : {connect_or_start({}, {.cancel_fd = read.get()}),
                               connect_or_start({.cancel_fd = read.get()})}) {
        REQUIRE_FALSE(client);
        CHECK(client.error().code == Errc::closed);
    }
    CHECK(Client::connect().error().code == Errc::not_found);
}

TEST_CASE("nothing is started for who forbids it or names another place")
{
    const User user;
    set("JOBMILL_NO_START", "1");
    CHECK(connect_or_start().error().code == Errc::not_found);
    unset("JOBMILL_NO_START");
    set("JOBMILL_SOCKET", "/tmp/jobmill-elsewhere.sock");
    CHECK(connect_or_start().error().code == Errc::not_found);
}

TEST_CASE("a daemon that leaves whenever it is idle fails no client")
{
    const User user;
    std::set<std::uint32_t> pids;
    for (int i = 0; i < 200; ++i) {
        auto client = connect_or_start({}, {.idle_timeout = "1ms"});
        REQUIRE_MESSAGE(client, client.error().what);
        pids.insert(client->welcome().pid);
        // Some go at once, so that a daemon is met in every state of its leaving.
        if (i % 3 == 0) {
            CHECK(sum(*client) == "5050");
        }
        const auto pause = std::chrono::microseconds{(i % 8) * 400};
        client = tl::unexpected<Error>(Error{});
        std::this_thread::sleep_for(pause);
    }
    CHECK(pids.size() > 5);
}

}  // namespace jobmill::tests
