// SPDX-License-Identifier: MIT
// Jobs that change their process for those that follow.
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "tests/modules/testhandlers.hpp"

namespace testhandlers {
namespace {

constexpr itimerval soon{{0, 0}, {0, 50'000}};

void block_all()
{
    sigset_t all;
    (void)::sigfillset(&all);
    (void)::pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

/// With its signal left behind.
void let_it_ring()
{
    constexpr itimerval now{{0, 0}, {0, 1}};
    block_all();
    (void)::setitimer(ITIMER_REAL, &now, nullptr);
    sigset_t pending;
    do {
        (void)::sigpending(&pending);
    } while (::sigismember(&pending, SIGALRM) == 0);
}

}  // namespace

void spoil(Job& job)
{
    const std::string what{job.payload()};
    if (what == "umask") {
        (void)::umask(0777);
    } else if (what == "cwd") {
        std::filesystem::current_path("/usr");
    } else if (what == "mask") {
        block_all();
    } else if (what == "signals") {
        for (const int signal_number : {SIGTERM, SIGQUIT, SIGCHLD}) {
            (void)std::signal(signal_number, SIG_IGN);
        }
        (void)std::signal(SIGPIPE, SIG_DFL);
    } else if (what == "alarm") {
        (void)::setitimer(ITIMER_REAL, &soon, nullptr);
    } else if (what == "virtual alarm") {
        (void)::setitimer(ITIMER_VIRTUAL, &soon, nullptr);
    } else if (what == "rung") {
        let_it_ring();
    } else {
        throw jobmill::Failure{"cannot spoil " + what};
    }
}

std::string state(Job& /*job*/)
{
    const mode_t mask = ::umask(022);
    (void)::umask(mask);
    sigset_t blocked;
    (void)::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    int count = 0;
    for (int signal_number = 1; signal_number < NSIG; ++signal_number) {
        count += ::sigismember(&blocked, signal_number) == 1 ? 1 : 0;
    }
    std::string said = "umask " + std::to_string(mask) + "\ncwd " +
                       std::filesystem::current_path().string() + "\nblocked " +
                       std::to_string(count) + "\n";
    for (const int signal_number : {SIGTERM, SIGQUIT, SIGCHLD, SIGPIPE}) {
        struct sigaction action {};
        (void)::sigaction(signal_number, nullptr, &action);
        const bool plain = (action.sa_flags & SA_SIGINFO) == 0;
        said += std::to_string(signal_number) +
                (plain && action.sa_handler == SIG_DFL   ? " default\n"
                 : plain && action.sa_handler == SIG_IGN ? " ignored\n"
                                                         : " handled\n");
    }
    for (const auto timer : {ITIMER_REAL, ITIMER_VIRTUAL}) {
        itimerval left{};
        (void)::getitimer(timer, &left);
        said += left.it_value.tv_sec == 0 && left.it_value.tv_usec == 0 ? "off\n" : "set\n";
    }
    return said;
}

}  // namespace testhandlers
