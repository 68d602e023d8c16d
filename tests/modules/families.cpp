// SPDX-License-Identifier: MIT
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "tests/modules/testhandlers.hpp"

namespace testhandlers {
namespace {

[[noreturn]] void wait_for_ever()
{
    while (true) {
        (void)::sleep(3600);
    }
}

/// A grandchild in a session of its own, whose parent has left; it writes its pid to `to`.
void start_descendant(int to)
{
    const pid_t child = ::fork();
    if (child != 0) {
        (void)::waitpid(child, nullptr, 0);
        return;
    }
    (void)::setsid();
    if (::fork() != 0) {
        ::_exit(0);
    }
    const pid_t pid = ::getpid();
    (void)!::write(to, &pid, sizeof pid);
    wait_for_ever();
}

std::string start_descendants(std::uint64_t count)
{
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) {
        throw jobmill::Failure{"pipe"};
    }
    std::string pids;
    for (std::uint64_t i = 0; i < count; ++i) {
        start_descendant(ends[1]);
        pid_t pid = 0;
        (void)!::read(ends[0], &pid, sizeof pid);
        pids += std::to_string(pid) + '\n';
    }
    (void)::close(ends[0]);
    (void)::close(ends[1]);
    return pids;
}

}  // namespace

std::string fork_tree(Job& job)
{
    return start_descendants(number_of(job, 1));
}

void tree_hold(Job& job)
{
    job.emit(start_descendants(number_of(job, 1)));
    wait_for_ever();
}

void fork_hold(Job& job)
{
    const pid_t child = ::fork();
    if (child == 0) {
        wait_for_ever();
    }
    job.emit(std::to_string(child));
    wait_for_ever();
}

std::string child_signals(Job& /*job*/)
{
    std::string said;
    for (const int signal_number : {SIGABRT, SIGSEGV, SIGQUIT, SIGTERM}) {
        const pid_t child = ::fork();
        if (child == 0) {
            (void)::raise(signal_number);
            ::_exit(42);
        }
        int status = 0;
        if (child < 0 || ::waitpid(child, &status, 0) != child) {
            throw jobmill::Failure{"fork"};
        }
        said += std::to_string(WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status)) + ' ';
    }
    return said;
}

}  // namespace testhandlers
