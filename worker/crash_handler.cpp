// SPDX-License-Identifier: MIT
// Everything below install_crash_handler() runs in a signal handler of a broken process: it calls
// nothing that is not async-signal-safe, allocates nothing, and trusts only memory of its own.
#include "worker/crash_handler.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>

#include "worker/own_signals.hpp"
#include "worker/signal_text.hpp"

namespace jobmill {
namespace {

SegmentLayout* segment = nullptr;
std::atomic<const char*> running_name{nullptr};
alignas(16) std::array<char, 65536> signal_stack;

struct Fault {
    int signal_number;
    const char* name;
    bool has_address;
};
constexpr auto faults = std::to_array<Fault>({{SIGSEGV, "SIGSEGV", true},
                                              {SIGBUS, "SIGBUS", true},
                                              {SIGFPE, "SIGFPE", true},
                                              {SIGILL, "SIGILL", true},
                                              {SIGABRT, "SIGABRT", false}});

void write_last_words(int signal_number, const siginfo_t& details) noexcept
{
    SignalText words{segment->last_words};
    for (const Fault& fault : faults) {
        if (fault.signal_number != signal_number) {
            continue;
        }
        words.text(fault.name);
        // One that was sent by kill() has no address.
        if (fault.has_address && details.si_code > 0) {
            words.text(" at address ");
            words.hexadecimal(reinterpret_cast<std::uintptr_t>(details.si_addr));
        }
    }
    if (const char* handler = running_handler(); handler != nullptr) {
        words.text(" in handler ");
        words.text(handler);
    }
    segment->last_words_size.store(words.size(), std::memory_order_release);
}

void on_fault(int signal_number, siginfo_t* details, void* /*context*/) noexcept
{
    write_last_words(signal_number, *details);
    // The disposition is the default again (SA_RESETHAND); this one is delivered on return.
    (void)::raise(signal_number);
}

}  // namespace

void install_crash_handler(SegmentLayout& layout)
{
    segment = &layout;
    stack_t stack{};
    stack.ss_sp = signal_stack.data();
    stack.ss_size = signal_stack.size();
    (void)::sigaltstack(&stack, nullptr);

    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | static_cast<int>(SA_RESETHAND);
    (void)::sigemptyset(&action.sa_mask);
    for (const Fault& fault : faults) {
        handle_in_worker(fault.signal_number, action);
    }
}

const char* running_handler() noexcept
{
    return running_name.load(std::memory_order_relaxed);
}

void note_running_handler(const char* name) noexcept
{
    running_name.store(name, std::memory_order_relaxed);
}

}  // namespace jobmill
