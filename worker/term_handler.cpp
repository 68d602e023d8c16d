// SPDX-License-Identifier: MIT
#include "worker/term_handler.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>

#include "worker/own_signals.hpp"

namespace jobmill {
namespace {

void (*interrupt_job)() = nullptr;
std::atomic<bool> interruptible{false};

/// Sends the signal once more: the first may have come when the job had looked for interrupts and
/// was about to wait, and then nothing would end its wait.
timer_t reminder{};
bool has_reminder = false;
std::atomic<long> reminder_ms{0};  ///< how long it waits; 0: it is not set

void set_reminder(long milliseconds) noexcept
{
    constexpr long second_ms = 1000;
    constexpr long nanoseconds = 1'000'000;
    reminder_ms.store(milliseconds, std::memory_order_relaxed);
    itimerspec when{};
    when.it_value = {milliseconds / second_ms, milliseconds % second_ms * nanoseconds};
    (void)::timer_settime(reminder, 0, &when, nullptr);
}

void make_reminder() noexcept
{
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGTERM;
    event._sigev_un._tid = ::gettid();
    has_reminder = ::timer_create(CLOCK_MONOTONIC, &event, &reminder) == 0;
}

void on_term(int signal_number, siginfo_t* details, void* /*context*/) noexcept
{
    constexpr long first_ms = 20;
    const int saved = errno;
    const pid_t self = ::getpid();
    if (::gettid() != self) {
        // A call in which the job waits is to end, and it waits on the main thread.
        (void)::syscall(SYS_tgkill, self, self, signal_number);
    } else if (interruptible.load(std::memory_order_relaxed)) {
        interrupt_job();
        if (has_reminder) {
            set_reminder(std::max(first_ms, 2 * reminder_ms.load(std::memory_order_relaxed)));
        }
    } else if (details->si_code != SI_TIMER) {  // which would be for a job that has ended
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
    make_reminder();
    struct sigaction action {};
    action.sa_sigaction = on_term;
    // Without SA_RESTART: what the job waits in is to end.
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
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
    if (reminder_ms.load(std::memory_order_relaxed) > 0) {
        set_reminder(0);
    }
}

}  // namespace jobmill
