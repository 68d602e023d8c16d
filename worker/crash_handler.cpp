// SPDX-License-Identifier: MIT
// Everything below install_crash_handler() runs in a signal handler of a broken process: it calls
// nothing that is not async-signal-safe, allocates nothing, and trusts only memory of its own.
#include "worker/crash_handler.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace jobmill {
namespace {

SegmentLayout* segment = nullptr;
std::atomic<const char*> running_handler{nullptr};
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

class LastWords {
public:
    explicit LastWords(SegmentLayout& layout) noexcept : layout_(layout) {}

    void text(const char* words) noexcept
    {
        for (; *words != '\0' && size_ < sizeof layout_.last_words; ++words) {
            layout_.last_words[size_++] = *words;
        }
    }

    void hexadecimal(std::uintptr_t number) noexcept
    {
        std::array<char, 2 * sizeof number + 1> digits{};
        std::size_t at = digits.size() - 1;
        do {
            digits[--at] = "0123456789abcdef"[number % 16];
            number /= 16;
        } while (number != 0);
        text("0x");
        text(digits.data() + at);
    }

    void finish() noexcept { layout_.last_words_size.store(size_, std::memory_order_release); }

private:
    SegmentLayout& layout_;
    std::size_t size_ = 0;
};

void write_last_words(int signal_number, const siginfo_t& details) noexcept
{
    LastWords words{*segment};
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
    if (const char* handler = running_handler.load(std::memory_order_relaxed); handler != nullptr) {
        words.text(" in handler ");
        words.text(handler);
    }
    words.finish();
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
        (void)::sigaction(fault.signal_number, &action, nullptr);
    }
}

void note_running_handler(const char* name) noexcept
{
    running_handler.store(name, std::memory_order_relaxed);
}

}  // namespace jobmill
