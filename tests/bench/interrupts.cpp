// SPDX-License-Identifier: MIT
// A program that measures and is interrupted leaves no daemon and no directory behind, wherever it
// is. All that it takes is to be linked.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <thread>

#include "tests/support/daemon_under_test.hpp"

namespace jobmill::bench {
namespace {

std::atomic<bool> interrupted = false;
std::array<int, 2> told{};  ///< a pipe: the number of the signal

void on_signal(int number)
{
    interrupted = true;
    const auto text = static_cast<unsigned char>(number);
    (void)!::write(told[1], &text, 1);
}

sigset_t endings()
{
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        ::sigaddset(&signals, number);
    }
    return signals;
}

void await_signal()
{
    unsigned char number = 0;
    if (::read(told[0], &number, 1) != 1) {
        return;
    }
    tests::leave_nothing();
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    (void)::sigaction(number, &action, nullptr);
    const sigset_t signals = endings();
    (void)::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    (void)std::raise(number);
}

class Interrupts {
public:
    Interrupts()
    {
        if (::pipe2(told.data(), O_CLOEXEC) != 0) {
            return;
        }
        // Its own thread is not to be interrupted.
        const sigset_t signals = endings();
        sigset_t before;
        (void)::pthread_sigmask(SIG_BLOCK, &signals, &before);
        std::thread{await_signal}.detach();
        (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
            struct sigaction action {};
            (void)::sigaction(number, nullptr, &action);
            if (action.sa_handler == SIG_DFL) {  // else it is to be ignored
                action.sa_handler = on_signal;
                action.sa_flags = SA_RESTART;
                (void)::sigaction(number, &action, nullptr);
            }
        }
    }
    /// Measuring fails when its daemon is killed, and the program ends: not before the rest is
    /// done.
    ~Interrupts()
    {
        while (interrupted) {
            (void)::poll(nullptr, 0, -1);
        }
    }
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;
};

const Interrupts interrupts;

}  // namespace
}  // namespace jobmill::bench
