// SPDX-License-Identifier: MIT
// Everything from on_quit() down runs in a signal handler and allocates nothing. Of what it calls,
// backtrace() and dladdr() are not promised to be async-signal-safe; they take no lock that their
// own thread could hold for long, and what they load is loaded before.
#include "worker/stack_handler.hpp"

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <span>

#include "worker/crash_handler.hpp"
#include "worker/own_signals.hpp"
#include "worker/signal_text.hpp"
#include "worker/symbol_tables.hpp"

namespace jobmill {
namespace {

SegmentLayout* segment = nullptr;
std::atomic<pid_t> running_command{0};

/// Where the signal found the thread; 0 on a machine that this does not know.
std::uintptr_t interrupted_at(const void* context) noexcept
{
    [[maybe_unused]] const auto& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
    return static_cast<std::uintptr_t>(machine.gregs[REG_RIP]);
#elif defined(__aarch64__)
    return static_cast<std::uintptr_t>(machine.pc);
#else
    return 0;
#endif
}

const char* file_name(const char* path) noexcept
{
    const char* const slash = path == nullptr ? nullptr : std::strrchr(path, '/');
    return slash == nullptr ? path : slash + 1;
}

/// "#2 malloc+0x1f (libc.so.6+0x9a1ef)": addr2line makes a line of source of the latter.
void write_frame(SignalText& to, std::size_t number, const char* code) noexcept
{
    const auto address = reinterpret_cast<std::uintptr_t>(code);
    to.character('#').decimal(number).character(' ');
    Dl_info place{};
    if (::dladdr(code, &place) == 0) {
        to.hexadecimal(address).character('\n');
        return;
    }
    FoundSymbol symbol{place.dli_sname, reinterpret_cast<std::uintptr_t>(place.dli_saddr)};
    if (symbol.name == nullptr) {
        symbol = find_symbol(address);
    }
    if (symbol.name != nullptr) {
        to.text(symbol.name).character('+').hexadecimal(address - symbol.start).character(' ');
    }
    to.character('(').text(file_name(place.dli_fname)).character('+');
    to.hexadecimal(address - reinterpret_cast<std::uintptr_t>(place.dli_fbase)).text(")\n");
}

void write_frames(SignalText& to, std::uintptr_t interrupted) noexcept
{
    std::array<void*, 64> found{};
    const int size = ::backtrace(found.data(), static_cast<int>(found.size()));
    std::span<void* const> frames{found.data(), static_cast<std::size_t>(std::max(size, 0))};
    // What is above the interrupted place is this handler.
    const auto top = std::find_if(frames.begin(), frames.end(), [&](const void* frame) {
        return reinterpret_cast<std::uintptr_t>(frame) == interrupted;
    });
    if (top != frames.end()) {
        frames = {top, frames.end()};
    }
    for (std::size_t i = 0; i < frames.size(); ++i) {
        // Of a caller the call is wanted, not what comes after it.
        write_frame(to, i, static_cast<const char*>(frames[i]) - (i == 0 ? 0 : 1));
    }
}

/// The file of a process in /proc, into `text`; ends with a zero, empty when there is none.
void read_process_file(pid_t process, const char* name, std::span<char> text) noexcept
{
    std::array<char, 64> path{};
    SignalText{std::span{path}.first(path.size() - 1)}
        .text("/proc/")
        .decimal(static_cast<std::uint64_t>(process))
        .character('/')
        .text(name);
    text[0] = '\0';
    const int file = ::open(path.data(), O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return;
    }
    const ssize_t size = ::read(file, text.data(), text.size() - 1);
    text[static_cast<std::size_t>(std::max<ssize_t>(size, 0))] = '\0';
    (void)::close(file);
}

/// "command 4127 (sleep) S in do_nanosleep".
void write_command(SignalText& to, pid_t command) noexcept
{
    std::array<char, 256> stat{};
    read_process_file(command, "stat", stat);
    // "4127 (sleep) S 1 ...", and a name may have anything in it.
    char* const name_end = std::strrchr(stat.data(), ')');
    if (name_end != nullptr && name_end + 3 < stat.data() + stat.size()) {
        name_end[3] = '\0';
    }
    std::array<char, 64> channel{};
    read_process_file(command, "wchan", channel);
    to.text("command ").text(stat.data());
    if (channel[0] != '\0' && channel[0] != '0') {
        to.text(" in ").text(channel.data());
    }
    to.character('\n');
}

void on_quit(int /*signal_number*/, siginfo_t* /*details*/, void* context) noexcept
{
    const int saved = errno;
    SignalText text{segment->stack};
    if (const char* const handler = running_handler(); handler != nullptr) {
        text.text("in handler ").text(handler).character('\n');
    } else {
        text.text("between jobs\n");
    }
    if (const pid_t command = running_command.load(std::memory_order_relaxed); command > 0) {
        write_command(text, command);
    }
    write_frames(text, interrupted_at(context));
    segment->stack_size.store(text.size(), std::memory_order_release);
    errno = saved;
}

}  // namespace

void prepare_stacks()
{
    map_symbol_tables();
    std::array<void*, 4> frames{};
    (void)::backtrace(frames.data(), static_cast<int>(frames.size()));
}

void install_stack_handler(SegmentLayout& layout)
{
    segment = &layout;
    prepare_stacks();
    struct sigaction action {};
    action.sa_sigaction = on_quit;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    (void)::sigemptyset(&action.sa_mask);
    // It is to end before a SIGTERM that comes behind it takes effect.
    (void)::sigaddset(&action.sa_mask, SIGTERM);
    handle_in_worker(SIGQUIT, action);
}

void note_running_command(pid_t command) noexcept
{
    running_command.store(command, std::memory_order_relaxed);
}

}  // namespace jobmill
