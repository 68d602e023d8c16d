// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <optional>
#include <thread>
#include <vector>

#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

bool contains(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a daemon without a configuration starts and serves and stops")
{
    Daemon daemon{""};
    daemon.check_healthy();
    daemon.check_stop();
}

TEST_CASE("SIGINT stops it as SIGTERM does")
{
    Daemon daemon{pool_config(1)};
    daemon.signal(SIGINT);
    const Departure departure = daemon.await_departure();
    CHECK(departure.exit_code == 0);
}

TEST_CASE("the daemon of a test goes with a test that is killed")
{
    std::array<int, 2> pipe{};
    REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
    const UniqueFd ours{pipe[0]};
    const auto place = std::make_shared<Place>();
    REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    const pid_t test = ::fork();
    REQUIRE(test >= 0);
    if (test == 0) {
        DaemonUnderTest daemon{place, {.config = pool_config(1)}};
        daemon.await_ready();
        const pid_t pid = daemon.pid();
        (void)!::write(pipe[1], &pid, sizeof pid);
        (void)::kill(::getpid(), SIGKILL);
    }
    ::close(pipe[1]);
    pid_t daemon = 0;
    REQUIRE(::read(ours.get(), &daemon, sizeof daemon) == sizeof daemon);
    // No one else is left to adopt the daemon.
    CHECK(reap_all(patience).empty());
    CHECK(::kill(daemon, 0) != 0);
}

TEST_CASE("signals that mean nothing to it cost no job, and children have their defaults")
{
    Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("a", "hang");
    client.ping();
    for (const int stray :
         {SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGPIPE, SIGXFSZ}) {
        CAPTURE(stray);
        daemon.signal(stray);
        client.ping();
    }
    client.submit("b", "exec", "", R"(,"args":{"argv":["sh","-c","kill -USR1 $$"]})");
    client.send(R"({"op":"cancel","id":"a"})");
    CHECK(client.result("a").text_at("state") == "cancelled");
    CHECK(cause_text(client.result("b"), "signal") == "SIGUSR1");
    daemon.check_stop();
}

TEST_CASE("signals reach it that were blocked where it was started, SIGHUP as soon as it starts")
{
    sigset_t all;
    sigset_t before;
    (void)::sigfillset(&all);
    REQUIRE(::pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    DaemonUnderTest daemon{std::make_shared<Place>(), {.config = pool_config(1)}};
    REQUIRE(::pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
    daemon.signal(SIGHUP);
    daemon.await_log("reloaded");
    CHECK(daemon.stop().empty());
}

TEST_CASE("a second daemon at the same socket leaves with 75 and names the first")
{
    const auto place = std::make_shared<Place>();
    const Daemon daemon{place, {.config = pool_config(1)}};
    const Departure second = run_daemon(place, {.config = pool_config(1)});
    CHECK(second.exit_code == 75);
    CHECK(contains(second.log, "pid " + std::to_string(daemon.pid()) + ")"));
    daemon.check_healthy();
}

TEST_CASE("the socket that a killed daemon left is no obstacle to the next")
{
    const auto place = std::make_shared<Place>();
    {
        Daemon killed{place, {.config = pool_config(2)}};
        killed.check_healthy();
        killed.kill_hard();
        CHECK(std::filesystem::exists(place->socket()));
    }
    const Daemon daemon{place, {.config = pool_config(2)}};
    daemon.check_healthy();
}

TEST_CASE("a socket that is removed while the daemon runs is bound again")
{
    Daemon daemon{pool_config(2)};
    JsonClient client = daemon.json();
    client.submit("a", "hang");
    client.ping();
    std::filesystem::remove(daemon.socket());
    daemon.await("another socket", [&] { return std::filesystem::exists(daemon.socket()); });
    daemon.await_log("socket lost socket=" + daemon.socket());
    daemon.check_healthy();
    client.send(R"({"op":"cancel","id":"a"})");
    CHECK(client.result("a").text_at("state") == "cancelled");
    daemon.check_stop();
    CHECK_FALSE(std::filesystem::exists(daemon.socket()));
}

TEST_CASE("all who came by a socket that is removed are served, however many they are")
{
    Daemon daemon{pool_config(1)};
    daemon.signal(SIGSTOP);
    std::vector<JsonClient> clients;
    for (int i = 0; i < 200; ++i) {
        clients.push_back(daemon.json());
        clients.back().send(R"({"op":"ping","id":"early"})");
    }
    std::filesystem::remove(daemon.socket());
    // Until the look after the socket is due: it comes before all who wait.
    std::this_thread::sleep_for(std::chrono::seconds{5});
    daemon.signal(SIGCONT);
    for (JsonClient& client : clients) {
        CHECK(client.next("pong", "early").text_at("id") == "early");
    }
    daemon.await_log("socket lost socket=" + daemon.socket());
}

TEST_CASE("a daemon whose directory is gone finishes its jobs, serves who is connected, and leaves")
{
    const auto place = std::make_shared<Place>();
    const std::string directory = place->directory() + "/run";
    Daemon daemon{place, {.config = pool_config(1), .socket = directory + "/s"}};
    std::optional<JsonClient> client = daemon.json();
    client->submit("a", "hang");
    client->ping();
    std::filesystem::remove_all(directory);
    daemon.await_log("leaving once clients and jobs are done jobs=1");
    client->submit("b", "echo", "late");
    client->send(R"({"op":"cancel","id":"a"})");
    CHECK(client->result("a").text_at("state") == "cancelled");
    CHECK(payload_of(client->result("b")) == "late");
    client.reset();
    const Departure departure = daemon.await_departure();
    CHECK(departure.exit_code == 125);
    CHECK(contains(departure.log, "socket lost socket=" + directory + "/s cause=\"its lock "));
}

TEST_CASE("a daemon whose place another one has taken leaves that alone")
{
    const auto place = std::make_shared<Place>();
    const std::string directory = place->directory() + "/run";
    Daemon first{place, {.config = pool_config(1), .socket = directory + "/s"}};
    first.check_healthy();
    std::filesystem::remove_all(directory);
    const Daemon second{place, {.config = pool_config(1), .socket = directory + "/s"}};
    CHECK(first.await_departure().exit_code == 125);
    second.check_healthy();
}

TEST_CASE("job numbers go on after a stop and after a kill")
{
    const auto place = std::make_shared<Place>();
    std::uint64_t last = 0;
    for (int start = 0; start < 3; ++start) {
        Daemon daemon{place, {.config = pool_config(1)}};
        JsonClient client = daemon.json();
        client.submit("a", "echo");
        const std::uint64_t job = std::stoull(client.job_of("a"));
        CHECK(job > last);
        last = job;
        (void)client.result("a");
        if (start == 1) {
            daemon.kill_hard();
        }
    }
}

TEST_CASE("the workers of a killed daemon die with it")
{
    Daemon daemon{pool_config(2)};
    JsonClient client = daemon.json();
    client.submit("a", "hang");
    client.ping();
    daemon.await("two workers", [&] { return daemon.children().size() == 3; });
    daemon.kill_hard();
    CHECK(children_of(::getpid()).empty());
}

TEST_CASE("only its user may connect to the socket")
{
    const Daemon daemon{pool_config(1)};
    struct stat status {};
    REQUIRE(::stat(daemon.socket().c_str(), &status) == 0);
    CHECK((status.st_mode & 07777U) == 0600);
    CHECK(::stat(daemon.place().directory().c_str(), &status) == 0);
    CHECK((status.st_mode & 07777U) == 0700);
}

TEST_CASE("a directory that others may write to is refused")
{
    const auto place = std::make_shared<Place>();
    const std::string open = place->directory() + "/open";
    std::filesystem::create_directory(open);
    std::filesystem::permissions(open, std::filesystem::perms{0777});
    const Departure departure =
        run_daemon(place, {.config = pool_config(1), .socket = open + "/socket"});
    CHECK(departure.exit_code == 78);
    CHECK(contains(departure.log, open + " may be written by others"));
}

TEST_CASE("a socket path of 108 bytes is refused with the limit and one of 107 works")
{
    const auto place = std::make_shared<Place>();
    std::string path = place->directory() + "/";
    path += std::string(107 - path.size(), 's');
    {
        const Daemon daemon{place, {.config = pool_config(1), .socket = path}};
        daemon.check_healthy();
    }
    const Departure departure = run_daemon(place, {.config = pool_config(1), .socket = path + "s"});
    CHECK(departure.exit_code == 2);
    CHECK(contains(departure.log, "108 bytes; the limit is 107"));
}

TEST_CASE("a worker that was started with the daemon stays the same process while it is well")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("a", "pid");
    client.submit("b", "pid");
    CHECK(client.result("a").text_at("payload") == client.result("b").text_at("payload"));
    CHECK(daemon.pool().integer_at("restarts") == 0);
}

}  // namespace jobmill::tests
