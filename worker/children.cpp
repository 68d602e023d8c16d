// SPDX-License-Identifier: MIT
#include "worker/children.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "worker/heartbeat.hpp"

namespace jobmill {
namespace {

/// No process is made in less: a bare clone() that shares the memory takes 6 us.
constexpr std::uint64_t shortest_clone_ns = 5'000;
/// fork() takes 40 us and more, posix_spawn() hundreds: until the child has executed its program.
/// Where a look takes 1.1 us, fork() takes 150 and more.
constexpr std::uint64_t shortest_fork_ns = 25'000;
constexpr std::uint64_t looks_a_fork = 125;
constexpr std::uint64_t dearest_look_ns = 2'000;
/// For so long jobs go on, once one was between the two, without a look.
constexpr std::uint64_t longest_unlooked_ns = 1'000'000;

/// Children of all threads of this process.
std::vector<pid_t> children()
{
    std::vector<pid_t> found;
    std::error_code error;
    for (auto thread = std::filesystem::directory_iterator{"/proc/self/task", error};
         !error && thread != std::filesystem::directory_iterator{}; thread.increment(error)) {
        std::ifstream list{thread->path() / "children"};
        for (pid_t pid = 0; list >> pid;) {
            found.push_back(pid);
        }
    }
    return found;
}

/// Reaps what is dead already; false when no child is left at all.
bool reap()
{
    while (true) {
        const pid_t reaped = ::waitpid(-1, nullptr, WNOHANG);
        if (reaped == 0) {
            return true;
        }
        if (reaped < 0 && errno != EINTR) {
            return false;
        }
    }
}

/// Keeps SIGCHLD pending instead of ignored, so that a death can be waited for.
class DeathWatch {
public:
    DeathWatch()
    {
        (void)::sigemptyset(&died_);
        (void)::sigaddset(&died_, SIGCHLD);
        (void)::pthread_sigmask(SIG_BLOCK, &died_, &before_);
    }
    ~DeathWatch() { (void)::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    DeathWatch(const DeathWatch&) = delete;
    DeathWatch& operator=(const DeathWatch&) = delete;

    /// Not for long: a list of children may miss one while others come and go.
    void await()
    {
        constexpr timespec patience{0, 20'000'000};
        (void)::sigtimedwait(&died_, nullptr, &patience);
    }

private:
    sigset_t died_{};
    sigset_t before_{};
};

}  // namespace

ChildLooks::ChildLooks(std::uint64_t look_ns) noexcept
    : shortest_fork_ns_(std::clamp(look_ns, shortest_fork_ns / looks_a_fork, dearest_look_ns) *
                        looks_a_fork)
{
}

bool ChildLooks::due_after(std::uint64_t run_ns) noexcept
{
    if (run_ns >= shortest_clone_ns || unlooked_ns_ > 0) {
        unlooked_ns_ += run_ns;
    }
    const bool due = run_ns >= shortest_fork_ns_ || unlooked_ns_ >= longest_unlooked_ns;
    if (due) {
        unlooked_ns_ = 0;
    }
    return due;
}

bool ChildLooks::due_now() noexcept
{
    return std::exchange(unlooked_ns_, 0) > 0;
}

std::uint64_t measure_look() noexcept
{
    // The first is the dearest, and others may be interrupted.
    std::uint64_t least = dearest_look_ns;
    for (int i = 0; i < 5; ++i) {
        const std::uint64_t start = monotonic_ns();
        (void)::waitpid(-1, nullptr, WNOHANG);
        least = std::min(least, monotonic_ns() - start);
    }
    return least;
}

void kill_children()
{
    if (!reap()) {
        return;
    }
    // Each death may hand us the children of the dead: again, until there are none. None of them is
    // reaped between the reading of its number and its kill, so no stranger is hit.
    DeathWatch watch;
    do {
        for (const pid_t child : children()) {
            (void)::kill(child, SIGKILL);
        }
        watch.await();
    } while (reap());
}

}  // namespace jobmill
