// SPDX-License-Identifier: MIT
#include "daemon/child_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <string_view>

#include "common/signal_name.hpp"

namespace jobmill::daemon {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts)
{
    std::vector<char*> list;
    list.reserve(texts.size() + 1);
    for (const std::string& text : texts) {
        list.push_back(const_cast<char*>(text.c_str()));
    }
    list.push_back(nullptr);
    return list;
}

/// Owns what posix_spawn wants to know.
class SpawnPlan {
public:
    SpawnPlan()
    {
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
    }
    ~SpawnPlan()
    {
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
    }
    SpawnPlan(const SpawnPlan&) = delete;
    SpawnPlan& operator=(const SpawnPlan&) = delete;

    posix_spawn_file_actions_t actions{};
    posix_spawnattr_t attributes{};
};

/// The system call, since the library's waitid has no place for the resource use.
int waitid_with_usage(idtype_t type, id_t id, siginfo_t* info, int options, rusage* usage)
{
    return static_cast<int>(::syscall(SYS_waitid, type, id, info, options, usage));
}

// By number: the library's header for these two, as of glibc 2.36, is not fit for C++.
int pidfd_open(pid_t pid)
{
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

int pidfd_send_signal(int pidfd, int signal_number)
{
    return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, signal_number, nullptr, 0));
}

/// A copy, close-on-exec, whose number is greater than another.
Result<UniqueFd> copy_above(int fd, int number)
{
    UniqueFd copy{::fcntl(fd, F_DUPFD_CLOEXEC, number + 1)};
    if (!copy) {
        return fail_errno("copying a descriptor for a child", errno);
    }
    return copy;
}

std::string read_file(const std::string& path)
{
    const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    std::string content;
    char buffer[4096];
    while (file) {
        const ssize_t size = ::read(file.get(), buffer, sizeof buffer);
        if (size <= 0) {
            break;
        }
        content.append(buffer, static_cast<std::size_t>(size));
    }
    return content;
}

}  // namespace

std::string ProcessExit::text() const
{
    if (!by_signal) {
        return "exit code " + std::to_string(status);
    }
    return signal_name(status) + (core_dumped ? ", core dumped" : "");
}

std::uint64_t ProcessExit::cpu_ns() const
{
    const auto nanoseconds = [](const timeval& time) {
        return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
               static_cast<std::uint64_t>(time.tv_usec) * 1000;
    };
    return nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
}

Result<pid_t> spawn(const Command& command, std::span<const Inherited> inherited)
{
    // Copies above all numbers that the child needs: nothing is overwritten before it is in its
    // place, and they are gone once the program runs.
    int above = STDERR_FILENO;
    for (const Inherited& each : inherited) {
        above = std::max(above, each.theirs);
    }
    UniqueFd program;
    std::string path = command.arguments.front();
    if (command.executable >= 0) {
        JOBMILL_TRY_ASSIGN(program, copy_above(command.executable, above));
        path = "/proc/self/fd/" + std::to_string(program.get());
    }
    SpawnPlan plan;
    posix_spawn_file_actions_addopen(&plan.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    std::vector<UniqueFd> copies;
    for (const Inherited& each : inherited) {
        JOBMILL_TRY_ASSIGN(UniqueFd copy, copy_above(each.ours, above));
        posix_spawn_file_actions_adddup2(&plan.actions, copy.get(), each.theirs);
        copies.push_back(std::move(copy));
    }
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&plan.attributes, &all);
    posix_spawnattr_setsigmask(&plan.attributes, &none);
    posix_spawnattr_setflags(&plan.attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);

    pid_t pid = -1;
    const int error =
        posix_spawn(&pid, path.c_str(), &plan.actions, &plan.attributes,
                    pointers(command.arguments).data(), pointers(command.environment).data());
    if (error != 0) {
        return fail_errno("starting " + command.arguments.front(), error);
    }
    return pid;
}

Result<UniqueFd> open_pidfd(pid_t pid)
{
    UniqueFd pidfd{pidfd_open(pid)};
    if (!pidfd) {
        return fail_errno("pidfd_open", errno);
    }
    return pidfd;
}

bool is_own_child(pid_t pid)
{
    siginfo_t info{};
    return pid > 0 &&
           ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

void signal_process(int pidfd, int signal_number)
{
    // A process that is gone already needs no signal.
    (void)pidfd_send_signal(pidfd, signal_number);
}

std::optional<ProcessExit> reap_group(int pidfd, pid_t pid)
{
    siginfo_t info{};
    const auto id = static_cast<id_t>(pidfd);
    if (::waitid(P_PIDFD, id, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) {
        return {};
    }
    (void)::kill(-pid, SIGKILL);
    ProcessExit exit;
    if (waitid_with_usage(P_PIDFD, id, &info, WEXITED | WNOHANG, &exit.usage) != 0) {
        return {};
    }
    exit.by_signal = info.si_code != CLD_EXITED;
    exit.core_dumped = info.si_code == CLD_DUMPED;
    exit.status = info.si_status;
    return exit;
}

bool reap_stranger(pid_t pid)
{
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG) != 0 ||
           info.si_pid != 0;
}

std::vector<pid_t> list_children()
{
    const std::string self = std::to_string(::getpid());
    const std::string list = read_file("/proc/self/task/" + self + "/children");
    std::vector<pid_t> children;
    const char* at = list.data();
    const char* const end = at + list.size();
    while (at < end) {
        pid_t pid = 0;
        const auto [after, error] = std::from_chars(at, end, pid);
        if (error == std::errc{}) {
            children.push_back(pid);
        }
        at = after + 1;
    }
    return children;
}

}  // namespace jobmill::daemon
