// SPDX-License-Identifier: MIT
#include "worker/handlers/term_forwarder.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>

namespace jobmill::handlers {
namespace {

std::atomic<pid_t> forward_to{0};
static_assert(std::atomic<pid_t>::is_always_lock_free);

void forward(int signal_number)
{
    const int saved = errno;
    if (const pid_t group = forward_to.load(); group > 0) {
        (void)::kill(-group, signal_number);
        (void)::kill(-group, SIGCONT);  // those that are stopped would not hear of it
    }
    errno = saved;
}

void block_sigterm(int how)
{
    sigset_t signals;
    (void)::sigemptyset(&signals);
    (void)::sigaddset(&signals, SIGTERM);
    (void)::pthread_sigmask(how, &signals, nullptr);
}

}  // namespace

TermForwarder::TermForwarder()
{
    block_sigterm(SIG_BLOCK);
    struct sigaction action {};
    action.sa_handler = forward;
    action.sa_flags = SA_RESTART;
    (void)::sigemptyset(&action.sa_mask);
    (void)::sigaction(SIGTERM, &action, &before_);
}

TermForwarder::~TermForwarder()
{
    end();
    (void)::sigaction(SIGTERM, &before_, nullptr);
    block_sigterm(SIG_UNBLOCK);
}

void TermForwarder::begin(pid_t group)
{
    forward_to = group;
    block_sigterm(SIG_UNBLOCK);
}

void TermForwarder::end()
{
    forward_to = 0;
    // Ignoring discards one that waits.
    (void)::signal(SIGTERM, SIG_IGN);
}

}  // namespace jobmill::handlers
