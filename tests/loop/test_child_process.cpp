// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include <doctest/doctest.h>

#include "common/fd_io.hpp"
#include "daemon/child_process.hpp"

using namespace jobmill;
using namespace jobmill::daemon;

namespace {

UniqueFd program(const char* path)
{
    UniqueFd fd{::open(path, O_PATH | O_CLOEXEC)};
    REQUIRE(fd);
    return fd;
}

struct Pipe {
    Pipe()
    {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        reading.reset(ends[0]);
        writing.reset(ends[1]);
    }
    /// All that is written, once nobody else holds the writing end.
    std::string all()
    {
        writing.reset();
        std::string text;
        std::array<char, 4096> buffer{};
        for (ssize_t size = 1; size > 0;) {
            size = ::read(reading.get(), buffer.data(), buffer.size());
            text.append(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
        }
        return text;
    }
    UniqueFd reading;
    UniqueFd writing;
};

/// A shell that runs a script, with descriptors at their numbers.
pid_t shell(const std::string& script, std::span<const Inherited> inherited, int executable = -1)
{
    const UniqueFd own = program("/bin/sh");
    const auto pid = spawn({.executable = executable < 0 ? own.get() : executable,
                            .arguments = {"sh", "-c", script},
                            .environment = {"COLOUR=blue", "PATH=/bin:/usr/bin"}},
                           inherited);
    REQUIRE_MESSAGE(pid.has_value(), pid.error().what);
    return *pid;
}

/// Waits for the end of a child without reaping it.
void await_end(pid_t pid)
{
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
}

ProcessExit reaped(pid_t pid)
{
    const auto pidfd = open_pidfd(pid);
    REQUIRE(pidfd.has_value());
    await_end(pid);
    const auto exit = reap_group(pidfd->get(), pid);
    REQUIRE(exit.has_value());
    return *exit;
}

/// What a script writes to its descriptor 3.
std::string said(const std::string& script)
{
    Pipe out;
    const Inherited inherited[] = {{.ours = out.writing.get(), .theirs = 3}};
    const pid_t pid = shell(script, inherited);
    std::string text = out.all();
    CHECK(reaped(pid).text() == "exit code 0");
    return text;
}

/// A copy of a descriptor at a number of the test's choice.
UniqueFd at_number(const UniqueFd& fd, int wanted)
{
    REQUIRE(::fcntl(wanted, F_GETFD) < 0);
    REQUIRE(::dup3(fd.get(), wanted, O_CLOEXEC) == wanted);
    return UniqueFd{wanted};
}

}  // namespace

TEST_CASE("a program is started from its descriptor, with arguments and environment")
{
    CHECK(said("echo $0 $COLOUR >&3") == "sh blue\n");
}

TEST_CASE("a child reads nothing")
{
    CHECK(said("cat >&3; echo end >&3") == "end\n");
}

TEST_CASE("a child gets its descriptors and no others")
{
    const UniqueFd mine{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    // What the test itself was started with is not the daemon's.
    REQUIRE(::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0);
    // ls itself opens one for the directory; the shell hands on what it was given.
    CHECK(said("exec ls /proc/self/fd >&3") == "0\n1\n2\n3\n4\n");
}

TEST_CASE("a child ignores and blocks no signals, whatever its parent does")
{
    sigset_t blocked;
    sigset_t before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    REQUIRE(::pthread_sigmask(SIG_BLOCK, &blocked, &before) == 0);
    const auto old = std::signal(SIGPIPE, SIG_IGN);
    const std::string pipe_end = reaped(shell("kill -PIPE $$", {})).text();
    const std::string user_end = reaped(shell("kill -USR2 $$", {})).text();
    (void)std::signal(SIGPIPE, old);
    REQUIRE(::pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
    CHECK(pipe_end == "SIGPIPE");
    CHECK(user_end == "SIGUSR2");
}

TEST_CASE("descriptors come to their numbers even when these are each other's")
{
    Pipe a;
    Pipe b;
    const UniqueFd three = at_number(a.writing, 103);
    const UniqueFd four = at_number(b.writing, 104);
    const Inherited inherited[] = {{.ours = 103, .theirs = 104}, {.ours = 104, .theirs = 103}};
    const pid_t pid =
        shell("exec 1>/proc/self/fd/104; echo a; exec 1>/proc/self/fd/103; echo b", inherited);
    (void)reaped(pid);
    a.writing.reset();
    b.writing.reset();
    std::array<char, 8> text{};
    CHECK(::read(a.reading.get(), text.data(), text.size()) == 2);
    CHECK(text[0] == 'a');
    CHECK(::read(b.reading.get(), text.data(), text.size()) == 2);
    CHECK(text[0] == 'b');
}

TEST_CASE("descriptors of any number come to their places")
{
    // A daemon with many sessions has its descriptors in the hundreds.
    for (const int base : {510, 511, 512, 513, 600}) {
        CAPTURE(base);
        Pipe a;
        Pipe b;
        const UniqueFd high_a = at_number(a.writing, base + 1);
        const UniqueFd high_b = at_number(b.writing, base);
        const Inherited inherited[] = {{.ours = base + 1, .theirs = 3},
                                       {.ours = base, .theirs = 4}};
        (void)reaped(shell("echo a >&3; echo b >&4", inherited));
        std::array<char, 8> text{};
        CHECK(::read(a.reading.get(), text.data(), text.size()) == 2);
        CHECK(text[0] == 'a');
        CHECK(::read(b.reading.get(), text.data(), text.size()) == 2);
        CHECK(text[0] == 'b');
    }
}

TEST_CASE("the program's own descriptor may have a number that the child needs")
{
    for (const int wanted : {7, 512}) {
        CAPTURE(wanted);
        const UniqueFd own = program("/bin/sh");
        const UniqueFd moved = at_number(own, wanted);
        Pipe out;
        const Inherited inherited[] = {{.ours = out.writing.get(), .theirs = 7}};
        const pid_t pid = shell("echo here >&7", inherited, moved.get());
        CHECK(out.all() == "here\n");
        (void)reaped(pid);
    }
}

TEST_CASE("what cannot be started is an error with the program's name")
{
    const UniqueFd text = program("/etc/passwd");
    const auto pid =
        spawn({.executable = text.get(), .arguments = {"jobmill-worker"}, .environment = {}}, {});
    REQUIRE_FALSE(pid.has_value());
    CHECK(pid.error().what.starts_with("starting jobmill-worker: "));
    CHECK(list_children().empty());
}

TEST_CASE("the end of a child is told by exit code or signal")
{
    CHECK(reaped(shell("exit 3", {})).text() == "exit code 3");
    CHECK(reaped(shell("kill -TERM $$", {})).text() == "SIGTERM");
}

TEST_CASE("a child that lives is not reaped")
{
    const pid_t pid = shell("exec cat /dev/zero >/dev/null", {});
    const auto pidfd = open_pidfd(pid);
    REQUIRE(pidfd.has_value());
    CHECK_FALSE(reap_group(pidfd->get(), pid).has_value());
    CHECK_FALSE(reap_stranger(pid));
    signal_process(pidfd->get(), SIGKILL);
    await_end(pid);
    const auto exit = reap_group(pidfd->get(), pid);
    REQUIRE(exit.has_value());
    CHECK(exit->text() == "SIGKILL");
    CHECK_FALSE(reap_group(pidfd->get(), pid).has_value());
    signal_process(pidfd->get(), SIGKILL);
}

TEST_CASE("who is reaped takes its process group along")
{
    // The grandchild holds the pipe for as long as it lives.
    Pipe out;
    const Inherited inherited[] = {{.ours = out.writing.get(), .theirs = 3}};
    CHECK(reaped(shell("exec setsid sh -c 'tail -f /dev/null & exit 5'", inherited)).text() ==
          "exit code 5");
    CHECK(out.all().empty());
}

TEST_CASE("only children are children")
{
    const pid_t pid = shell("exit 0", {});
    CHECK(is_own_child(pid));
    await_end(pid);
    CHECK(is_own_child(pid));
    CHECK(reap_stranger(pid));
    CHECK_FALSE(is_own_child(pid));
    CHECK(reap_stranger(pid));
    CHECK_FALSE(is_own_child(1));
    CHECK_FALSE(is_own_child(::getpid()));
    CHECK_FALSE(is_own_child(0));
    CHECK_FALSE(is_own_child(-1));
}

TEST_CASE("all children are listed, dead ones too, until they are reaped")
{
    CHECK(list_children().empty());
    std::vector<pid_t> started;
    started.reserve(3);
    for (int i = 0; i < 3; ++i) {
        started.push_back(shell("exit 0", {}));
    }
    await_end(started[0]);
    std::vector<pid_t> listed = list_children();
    std::sort(listed.begin(), listed.end());
    std::sort(started.begin(), started.end());
    CHECK(listed == started);
    for (const pid_t pid : started) {
        await_end(pid);
        CHECK(reap_stranger(pid));
    }
    CHECK(list_children().empty());
}

TEST_CASE("a program without a descriptor is executed by its name, as scripts want it")
{
    const auto pid = spawn({.executable = -1,
                            .arguments = {"/bin/sh", "-c", "test $0 = /bin/sh && exit 7"},
                            .environment = {"PATH=/bin:/usr/bin"}},
                           {});
    REQUIRE(pid.has_value());
    CHECK(reaped(*pid).text() == "exit code 7");
    const auto none =
        spawn({.executable = -1, .arguments = {"/nonexistent/python"}, .environment = {}}, {});
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error().what == "starting /nonexistent/python: No such file or directory");
}

TEST_CASE("a descriptor of a process is not inherited by programs")
{
    const pid_t pid = shell("exit 0", {});
    const auto pidfd = open_pidfd(pid);
    REQUIRE(pidfd.has_value());
    CHECK((::fcntl(pidfd->get(), F_GETFD) & FD_CLOEXEC) != 0);
    (void)reaped(pid);
}
