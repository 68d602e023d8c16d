// SPDX-License-Identifier: MIT
#include "worker/own_signals.hpp"

#include <pthread.h>

#include <array>
#include <cstddef>

#include "common/assert.hpp"

namespace jobmill {
namespace {

struct Handled {
    int signal_number;
    struct sigaction action;
};
std::array<Handled, 8> handled;
std::size_t handled_count = 0;

/// Runs in the child: nothing that is not async-signal-safe.
void restore_defaults() noexcept
{
    for (std::size_t i = 0; i < handled_count; ++i) {
        const Handled& ours = handled.at(i);
        struct sigaction now {};
        (void)::sigaction(ours.signal_number, nullptr, &now);
        const bool is_ours = (ours.action.sa_flags & SA_SIGINFO) != 0
                                 ? now.sa_sigaction == ours.action.sa_sigaction
                                 : now.sa_handler == ours.action.sa_handler;
        if (is_ours) {
            struct sigaction standard {};
            standard.sa_handler = SIG_DFL;
            (void)::sigaction(ours.signal_number, &standard, nullptr);
        }
    }
}

}  // namespace

void handle_in_worker(int signal_number, const struct sigaction& action)
{
    JOBMILL_ASSERT(handled_count < handled.size());
    if (handled_count == 0) {
        (void)::pthread_atfork(nullptr, nullptr, restore_defaults);
    }
    handled.at(handled_count++) = {signal_number, action};
    (void)::sigaction(signal_number, &action, nullptr);
}

}  // namespace jobmill
