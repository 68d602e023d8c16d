// SPDX-License-Identifier: MIT
#include "client/commands/interrupts.hpp"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <initializer_list>

#include "common/exit_code.hpp"

namespace jobmill::commands {
namespace {

// A signal handler can reach nothing but globals.
volatile sig_atomic_t came = 0;
int wake_fd = -1;

void on_signal(int signal)
{
    if (came != 0) {
        ::_exit(exit_code::signal_base + signal);
    }
    came = signal;
    const int saved = errno;
    const std::uint64_t one = 1;
    (void)!::write(wake_fd, &one, sizeof one);
    errno = saved;
}

}  // namespace

void watch_interrupts()
{
    wake_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct sigaction action {};
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction before {};
        // nohup and background jobs of a plain sh ignore some: leave those ignored.
        if (::sigaction(signal, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) {
            (void)::sigaction(signal, &action, nullptr);
        }
    }
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    (void)::sigaction(SIGPIPE, &ignore, nullptr);
    // A file that may not grow is an error like a full disk.
    (void)::sigaction(SIGXFSZ, &ignore, nullptr);
}

int interrupted() noexcept
{
    return came;
}

int interrupt_fd() noexcept
{
    return wake_fd;
}

}  // namespace jobmill::commands
