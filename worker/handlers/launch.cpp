// SPDX-License-Identifier: MIT
// Everything in the child is async-signal-safe and allocates nothing: it runs in its parent's
// memory, on a stack of its own, while the parent waits.
#include "worker/handlers/launch.hpp"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>

#include "worker/placement.hpp"

// The sanitizer would mark the foreign stack and never learn that it was left.
#define JOBMILL_FOREIGN_STACK __attribute__((no_sanitize("address")))

namespace jobmill::handlers {
namespace {

alignas(16) std::array<char, 65536> child_stack;

struct Errand {
    const Launch& what;
    pid_t parent = 0;
    const char* failed = nullptr;
    int error_number = 0;
};

JOBMILL_FOREIGN_STACK void default_signals()
{
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    for (int signal_number = 1; signal_number < NSIG; ++signal_number) {
        (void)::sigaction(signal_number, &action, nullptr);
    }
}

JOBMILL_FOREIGN_STACK bool arrange_descriptors(const Launch& what)
{
    for (int to = 0; to < 3; ++to) {
        if (::dup2(what.standard[static_cast<std::size_t>(to)], to) < 0) {
            return false;
        }
    }
    return ::fchdir(what.directory) == 0 && ::close_range(STDERR_FILENO + 1, UINT_MAX, 0) == 0;
}

JOBMILL_FOREIGN_STACK bool take_limits(std::span<const CommandLimit> limits)
{
    return std::all_of(limits.begin(), limits.end(), [](const CommandLimit& each) {
        rlimit limit{};
        if (::getrlimit(each.resource, &limit) != 0) {
            return false;
        }
        limit.rlim_max = std::min(limit.rlim_max, each.limit.rlim_max);
        limit.rlim_cur = std::min(limit.rlim_max, each.limit.rlim_cur);
        return ::setrlimit(each.resource, &limit) == 0;
    });
}

/// What could not be done.
JOBMILL_FOREIGN_STACK const char* become(const Launch& what)
{
    default_signals();
    (void)::setpgid(0, 0);
    if (!arrange_descriptors(what)) {
        return "descriptors";
    }
    if (what.mask) {
        (void)::umask(*what.mask);
    }
    be_nice(what.nice);
    if (const int error_number = keep_to_cpus(what.cpus); error_number != 0) {
        errno = error_number;
        return "cpus";
    }
    if (!take_limits(what.limits)) {
        return "limits";
    }
    sigset_t none;
    (void)::sigemptyset(&none);
    (void)::pthread_sigmask(SIG_SETMASK, &none, nullptr);
    (void)::execve(what.program, what.argv, what.environment);
    return "exec";
}

JOBMILL_FOREIGN_STACK int run_child(void* argument)
{
    auto& errand = *static_cast<Errand*>(argument);
    // A command outlives neither its worker nor, since that dies with it, the daemon.
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != errand.parent) {
        ::_exit(1);
    }
    errand.failed = become(errand.what);
    errand.error_number = errno;
    ::_exit(1);
}

}  // namespace

Launched launch(const Launch& what)
{
    Errand errand{what, ::getpid()};
    // A handler of ours must not run in the child, which has our memory.
    sigset_t all;
    sigset_t before;
    (void)::sigfillset(&all);
    (void)::pthread_sigmask(SIG_BLOCK, &all, &before);
    const pid_t pid = ::clone(run_child, child_stack.data() + child_stack.size(),
                              CLONE_VM | CLONE_VFORK | SIGCHLD, &errand);
    const int error_number = errno;
    (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0) {
        return {0, "fork", error_number};
    }
    if (errand.failed != nullptr) {
        (void)::waitpid(pid, nullptr, 0);
        return {0, errand.failed, errand.error_number};
    }
    return {pid, nullptr, 0};
}

}  // namespace jobmill::handlers
