// SPDX-License-Identifier: MIT
// What starting a daemon is made of; that it starts one is for tests/commands.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "client/bounded_program.hpp"
#include "client/commands/daemon_facts.hpp"
#include "client/daemon_launch.hpp"
#include "client/held_lock.hpp"
#include "client/socket_holder.hpp"
#include "client/starter.hpp"
#include "client/user_unit.hpp"
#include "tests/support/eventually.hpp"

namespace jobmill {
namespace {

using namespace std::chrono_literals;

struct TempDir {
    TempDir() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
    ~TempDir() { std::filesystem::remove_all(path); }
    std::string path = "/tmp/jobmill-start-XXXXXX";
};

/// A process called jobmilld. By the name of its file: a copy of another program.
struct DaemonLike {
    /// `prepare` is called in it; what is opened there stays open.
    DaemonLike(const std::string& directory, const std::function<void()>& prepare)
    {
        const std::string program = directory + "/jobmilld";
        std::filesystem::copy("/bin/sleep", program);
        pid = ::fork();
        if (pid == 0) {
            prepare();
            ::execl(program.c_str(), "jobmilld", "60", nullptr);
            ::_exit(1);
        }
    }
    ~DaemonLike()
    {
        (void)::kill(pid, SIGKILL);
        (void)::waitpid(pid, nullptr, 0);
    }

    /// Dead, but not reaped.
    void kill() const
    {
        (void)::kill(pid, SIGKILL);
        siginfo_t info{};
        CHECK(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
    }

    static void lock(const std::string& path, pid_t pid)
    {
        const int file = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
        (void)::flock(file, LOCK_EX | LOCK_NB);
        (void)::dprintf(file, "%d\n", pid);
    }

    pid_t pid = 0;
};

}  // namespace

TEST_CASE("a daemon's environment is what any client's daemon would have")
{
    const std::vector<std::string> all{
        "PATH=/bin",        "HOME=/home/a",           "LANG=de_DE.UTF-8", "LC_ALL=C",
        "TZ=UTC",           "XDG_RUNTIME_DIR=/run/a", "JOBMILL_SOCKET=",  "SECRET=1",
        "LD_PRELOAD=/x.so", "XDG_SESSION_ID=",        "NOTIFY_SOCKET=",   "LISTEN_FDS=1"};
    const std::vector<std::string> kept{"PATH=/bin",      "HOME=/home/a", "LANG=de_DE.UTF-8",
                                        "LC_ALL=C",       "TZ=UTC",       "XDG_RUNTIME_DIR=/run/a",
                                        "JOBMILL_SOCKET="};
    CHECK(clean_environment(all) == kept);
}

TEST_CASE("what systemctl shows of two units is told apart")
{
    const UserUnit unit = parse_units(
        "MainPID=812\nId=jobmilld.service\nLoadState=loaded\nActiveState=active\n"
        "UnitFileState=disabled\n\n"
        "Id=jobmilld.socket\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n");
    CHECK(unit.installed());
    CHECK(unit.socket_active);
    CHECK(unit.enabled);
    CHECK(unit.service_state == "active");
    CHECK(unit.runs(812));
    CHECK_FALSE(unit.runs(813));
    CHECK(std::string{unit.to_start()} == "jobmilld.socket");
}

TEST_CASE("a unit that is not loaded is not installed")
{
    for (const std::string state : {"not-found", "masked", "bad-setting", "error", ""}) {
        const UserUnit unit = parse_units("Id=jobmilld.service\nLoadState=" + state +
                                          "\nActiveState=inactive\nMainPID=0\n");
        CHECK_FALSE(unit.installed());
        CHECK_FALSE(unit.enabled);
        CHECK_FALSE(unit.runs(0));
    }
    CHECK(std::string{parse_units("Id=jobmilld.service\nLoadState=loaded\n").to_start()} ==
          "jobmilld.service");
}

TEST_CASE("another text than systemctl's says nothing")
{
    for (const char* text : {"", "\n\n\n", "=", "Id", "Id=\n\nMainPID=x\n", "MainPID=5\n"}) {
        const UserUnit unit = parse_units(text);
        CHECK_FALSE(unit.installed());
        CHECK(unit.main_pid == 0);
    }
}

TEST_CASE("a program's outputs and exit code are read")
{
    const auto output = run_bounded({"sh", "-c", "echo out; echo err >&2; exit 3"}, 20s);
    REQUIRE(output);
    CHECK(output->out == "out\n");
    CHECK(output->err == "err\n");
    CHECK(output->exit_code == 3);
    const auto killed = run_bounded({"sh", "-c", "kill -TERM $$"}, 20s);
    REQUIRE(killed);
    CHECK(killed->exit_code == 143);
}

TEST_CASE("a program that says too much is cut")
{
    const auto output = run_bounded({"sh", "-c", "head -c 1000000 /dev/zero"}, 20s);
    REQUIRE(output);
    CHECK(output->out.size() == 65536);
    CHECK(output->exit_code == 0);
}

TEST_CASE("a program that takes too long is killed")
{
    const auto begin = std::chrono::steady_clock::now();
    const auto silent = run_bounded({"sleep", "60"}, 50ms);
    const auto closed = run_bounded({"sh", "-c", "exec >&- 2>&-; exec sleep 60"}, 50ms);
    CHECK(std::chrono::steady_clock::now() - begin < 30s);
    REQUIRE_FALSE(silent);
    CHECK(silent.error().what == "sleep has not answered in 50 ms");
    CHECK_FALSE(closed);
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("a program that is not there is not found")
{
    const auto output = run_bounded({"jobmill-no-such-program"}, 1s);
    REQUIRE_FALSE(output);
    CHECK(output.error().code == Errc::not_found);
}

TEST_CASE("who holds a socket is a living jobmilld or nobody")
{
    const TempDir directory;
    const std::string socket = directory.path + "/socket";
    CHECK_FALSE(socket_holder(socket));
    for (const std::string& holder :
         {std::string{}, std::string{"x\n"}, std::string{"0\n"}, std::string{"-1\n"},
          std::string{"99999999999999\n"}, std::to_string(::getpid()) + "\n"}) {
        std::ofstream{socket + ".lock"} << holder;
        CHECK_FALSE(socket_holder(socket));
    }
    const DaemonLike daemon{directory.path,
                            [&] { DaemonLike::lock(socket + ".lock", ::getpid()); }};
    CHECK(tests::eventually([&] { return socket_holder(socket) == daemon.pid; }));
    daemon.kill();
    CHECK_FALSE(socket_holder(socket));  // dead, though not reaped
}

TEST_CASE("a lock file that nobody holds, or another one, names nobody")
{
    const TempDir directory;
    const std::string socket = directory.path + "/socket";
    const std::string other = directory.path + "/other";
    const DaemonLike daemon{directory.path, [&] { DaemonLike::lock(other + ".lock", ::getpid()); }};
    REQUIRE(tests::eventually([&] { return socket_holder(other) == daemon.pid; }));
    std::ofstream{socket + ".lock"} << daemon.pid << "\n";
    CHECK_FALSE(socket_holder(socket));
    const UniqueFd ours{::open((socket + ".lock").c_str(), O_RDWR | O_CLOEXEC)};
    CHECK(::flock(ours.get(), LOCK_EX | LOCK_NB) == 0);
    CHECK_FALSE(socket_holder(socket));
}

TEST_CASE("who asks for the holder of a lock does not take it")
{
    const TempDir directory;
    const std::string path = directory.path + "/lock";
    const UniqueFd file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    const UniqueFd taker{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
    for (const bool held : {false, true, false}) {
        CHECK(::flock(taker.get(), held ? LOCK_EX | LOCK_NB : LOCK_UN) == 0);
        CHECK(holds_lock(::getpid(), file.get()) == held);
        CHECK_FALSE(holds_lock(1, file.get()));
    }
    CHECK_FALSE(holds_lock(::getpid(), -1));
}

TEST_CASE("a lock is seen among many that come and go")
{
    const TempDir directory;
    std::vector<UniqueFd> others;
    for (int i = 0; i < 400; ++i) {
        const std::string path = directory.path + "/" + std::to_string(i);
        others.emplace_back(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        REQUIRE(::flock(others.back().get(), LOCK_EX) == 0);
    }
    const std::string path = directory.path + "/lock";
    const UniqueFd file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    REQUIRE(::flock(file.get(), LOCK_EX) == 0);
    std::atomic<bool> over = false;
    const auto come_and_go = [&](std::size_t first) {
        while (!over) {
            for (const int operation : {LOCK_EX, LOCK_UN}) {
                for (std::size_t i = first; i < first + 100; ++i) {
                    (void)::flock(others[i].get(), operation);
                }
            }
        }
    };
    {
        const std::jthread some{come_and_go, 200};
        const std::jthread more{come_and_go, 300};
        int missed = 0;
        for (int i = 0; i < 1500; ++i) {
            missed += holds_lock(::getpid(), file.get()) ? 0 : 1;
        }
        over = true;
        CHECK(missed == 0);
    }
}

TEST_CASE("the daemon behind a socket is whom the kernel names, not what it calls itself")
{
    const TempDir directory;
    const std::string path = directory.path + "/socket";
    const UniqueFd listener{::socket(AF_UNIX, SOCK_STREAM, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(static_cast<char*>(address.sun_path), path.size());
    const auto* const generic = static_cast<const sockaddr*>(static_cast<void*>(&address));
    REQUIRE(::bind(listener.get(), generic, sizeof address) == 0);
    const DaemonLike daemon{directory.path, [&] {
                                ::listen(listener.get(), 1);
                                DaemonLike::lock(path + ".lock", ::getpid());
                            }};
    const pid_t pid = daemon.pid;
    const UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    REQUIRE(
        tests::eventually([&] { return ::connect(socket.get(), generic, sizeof address) == 0; }));
    const auto found = [&](pid_t own) { return find_peer_daemon(socket.get(), own); };
    REQUIRE(tests::eventually([&] { return found(1).has_value(); }));
    CHECK(found(1)->pid == pid);

    SUBCASE("it is gone")
    {
        daemon.kill();
        CHECK_FALSE(found(pid));
    }
    SUBCASE("where another process listens, it holds the place and has the number that it says")
    {
        REQUIRE(::listen(listener.get(), 1) == 0);
        const UniqueFd other{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        REQUIRE(::connect(other.get(), generic, sizeof address) == 0);
        CHECK_FALSE(find_peer_daemon(other.get(), 1));
        const auto holder = find_peer_daemon(other.get(), pid);
        REQUIRE(holder);
        CHECK(holder->pid == pid);
        std::filesystem::remove(path + ".lock");
        CHECK_FALSE(find_peer_daemon(other.get(), pid));
    }
}

TEST_CASE("a log's end begins with a whole line")
{
    const TempDir directory;
    const std::string log = directory.path + "/log";
    {
        std::ofstream file{log};
        for (int i = 0; i < 1000; ++i) {
            file << "line " << i << "\n";
        }
    }
    const std::string end = end_of_log(log, 0);
    CHECK(end.size() <= 2000);
    CHECK(end.starts_with("line "));
    CHECK(end.ends_with("\nline 999"));
    const auto size = static_cast<off_t>(std::filesystem::file_size(log));
    CHECK(end_of_log(log, size - 9) == "line 999");
    CHECK(end_of_log(log, size).empty());
    CHECK(end_of_log(directory.path + "/none", 0).empty());
}

TEST_CASE("a daemon's words tell who started it and which file it read")
{
    using commands::facts_from;
    const auto started = facts_from({"jobmilld", "--socket", "/s", "--idle-timeout", "10m"},
                                    {"HOME=/home/a", "JOBMILL_STARTED_BY=jobmill"});
    CHECK(started.started_by == "jobmill");
    CHECK(started.idle_timeout == "10m");
    CHECK(started.config == "/home/a/.config/jobmill/jobmill.toml");
    CHECK(facts_from({"jobmilld", "--config=/c"}, {}).config == "/c");
    CHECK(facts_from({"jobmilld", "-c", "/c"}, {}).config == "/c");
    CHECK(facts_from({"jobmilld"}, {"XDG_CONFIG_HOME=/x", "HOME=/h"}).config ==
          "/x/jobmill/jobmill.toml");
    CHECK(facts_from({"jobmilld", "-c"}, {"HOME=/h"}).started_by.empty());
    CHECK_FALSE(commands::facts_of(0).readable);
}

}  // namespace jobmill
