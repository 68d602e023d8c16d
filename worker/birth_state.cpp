// SPDX-License-Identifier: MIT
#include "worker/birth_state.hpp"

#include <pthread.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <csignal>
#include <cstddef>
#include <ctime>
#include <utility>

namespace jobmill {
namespace {

/// In a row of tiny jobs. So it costs a worker one part in 400 of its time, even where a system
/// call takes a microsecond.
constexpr std::uint64_t between_ns = 4'000'000;
/// That is no tiny job, and no row.
constexpr std::uint64_t long_ns = 1'000'000;

/// The one stops a job, the second asks for its stack, a closed pipe must not kill, and who ignores
/// the last cannot wait for his children. Not those of faults and the like, which belong to
/// languages' runtimes that a job may have loaded for good.
constexpr std::array restored{SIGTERM, SIGQUIT, SIGPIPE, SIGCHLD};
/// Not ITIMER_PROF, which profilers alone use, for all of a process's life.
constexpr std::array timers{std::pair{ITIMER_REAL, SIGALRM}, std::pair{ITIMER_VIRTUAL, SIGVTALRM}};

struct Birth {
    std::string directory;
    mode_t mask = 0;
    sigset_t blocked{};
    std::array<struct sigaction, restored.size()> actions{};
};

std::optional<Birth>& birth() noexcept
{
    static std::optional<Birth> state;
    return state;
}

bool same(const sigset_t& one, const sigset_t& other) noexcept
{
    for (int signal_number = 1; signal_number < NSIG; ++signal_number) {
        if (::sigismember(&one, signal_number) != ::sigismember(&other, signal_number)) {
            return false;
        }
    }
    return true;
}

void stop_timers() noexcept
{
    constexpr itimerval never{};
    for (const auto& [timer, signal_number] : timers) {
        (void)::setitimer(timer, &never, nullptr);
    }
}

/// What a stopped timer has sent already, and a job has blocked, is taken before it can kill.
void unblock(const sigset_t& wanted) noexcept
{
    sigset_t now{};
    (void)::pthread_sigmask(SIG_SETMASK, nullptr, &now);
    if (same(now, wanted)) {
        return;
    }
    sigset_t of_timers;
    (void)::sigemptyset(&of_timers);
    for (const auto& [timer, signal_number] : timers) {
        if (::sigismember(&now, signal_number) == 1) {
            (void)::sigaddset(&of_timers, signal_number);
        }
    }
    constexpr timespec at_once{};
    while (::sigtimedwait(&of_timers, nullptr, &at_once) > 0) {
    }
    (void)::pthread_sigmask(SIG_SETMASK, &wanted, nullptr);
}

}  // namespace

bool RestoreTurns::due_after(std::uint64_t start, std::uint64_t end) noexcept
{
    ended_ = end;
    owed_ = end - start < long_ns && end - last_ < between_ns;
    if (!owed_) {
        last_ = end;
    }
    return !owed_;
}

bool RestoreTurns::due_before(std::uint64_t now) noexcept
{
    const bool due = owed_ && (now - ended_ >= long_ns || now - last_ >= between_ns);
    if (due) {
        restored(now);
    }
    return due;
}

void RestoreTurns::restored(std::uint64_t now) noexcept
{
    owed_ = false;
    last_ = now;
}

void remember_birth()
{
    Birth state;
    std::string directory(PATH_MAX, '\0');
    if (::getcwd(directory.data(), directory.size()) != nullptr) {
        directory.resize(directory.find('\0'));
        // One that cannot be reached from the root has a name that leads nowhere.
        state.directory = directory.starts_with('/') ? directory : "";
    }
    state.mask = ::umask(S_IRWXG | S_IRWXO);
    (void)::umask(state.mask);
    (void)::pthread_sigmask(SIG_SETMASK, nullptr, &state.blocked);
    for (std::size_t i = 0; i < restored.size(); ++i) {
        (void)::sigaction(restored.at(i), nullptr, &state.actions.at(i));
    }
    birth() = std::move(state);
}

void restore_birth() noexcept
{
    if (!birth()) {
        return;
    }
    const Birth& state = *birth();
    stop_timers();
    for (std::size_t i = 0; i < restored.size(); ++i) {
        (void)::sigaction(restored[i], &state.actions[i], nullptr);
    }
    unblock(state.blocked);
    (void)::umask(state.mask);
    if (!state.directory.empty()) {
        (void)!::chdir(state.directory.c_str());
    }
}

const std::string& birth_directory() noexcept
{
    static const std::string none;
    return birth() ? birth()->directory : none;
}

std::optional<mode_t> birth_umask() noexcept
{
    return birth() ? std::optional{birth()->mask} : std::nullopt;
}

}  // namespace jobmill
