// SPDX-License-Identifier: MIT
#include "worker/term_handler.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>

#include "worker/own_signals.hpp"

namespace jobmill {
namespace {

void (*interrupt_job)() = nullptr;
std::atomic<bool> interruptible{false};

void on_term(int signal_number) noexcept
{
    const int saved = errno;
    const pid_t self = ::getpid();
    if (::gettid() != self) {
        // A call in which the job waits is to end, and it waits on the main thread.
        (void)::syscall(SYS_tgkill, self, self, signal_number);
    } else if (interruptible.load(std::memory_order_relaxed)) {
        interrupt_job();
    } else {
        struct sigaction standard {};
        standard.sa_handler = SIG_DFL;
        (void)::sigaction(signal_number, &standard, nullptr);
        (void)::raise(signal_number);  // delivered on return
    }
    errno = saved;
}

}  // namespace

void install_term_handler(void (*interrupt)())
{
    interrupt_job = interrupt;
    struct sigaction action {};
    action.sa_handler = on_term;
    // Without SA_RESTART: what the job waits in is to end.
    action.sa_flags = SA_ONSTACK;
    (void)::sigemptyset(&action.sa_mask);
    handle_in_worker(SIGTERM, action);
}

Interruptible::Interruptible(bool can_be) noexcept
{
    interruptible.store(can_be, std::memory_order_relaxed);
}

Interruptible::~Interruptible()
{
    interruptible.store(false, std::memory_order_relaxed);
}

}  // namespace jobmill
