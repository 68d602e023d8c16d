// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "tests/modules/testhandlers.hpp"

// The faults are meant; a sanitizer has to let them happen.
#define JOBMILL_TEST_FAULT __attribute__((noinline, no_sanitize("address", "undefined")))

namespace testhandlers {
namespace {

JOBMILL_TEST_FAULT void write_to(std::uintptr_t address)
{
    int* volatile where = nullptr;
    where = reinterpret_cast<int*>(address);
    volatile int* const target = where;
    *target = 1;
}

JOBMILL_TEST_FAULT int divide(int dividend, int divisor)
{
    // Hidden from the compiler, which divides 1 by anything without a division.
    const volatile int hidden_dividend = dividend;
    const volatile int hidden_divisor = divisor;
    return hidden_dividend / hidden_divisor;
}

[[noreturn]] void spin()
{
    volatile std::uint64_t turns = 0;
    while (true) {
        const std::uint64_t turn = turns;
        turns = turn + 1;
    }
}

}  // namespace

void segv(Job& /*job*/)
{
    write_to(0);
}

void abort(Job& /*job*/)
{
    std::abort();
}

void fpe(Job& job)
{
    job.result(std::to_string(divide(1, 0)));
}

void kill(Job& /*job*/)
{
    (void)::raise(SIGKILL);
}

void exit(Job& job)
{
    ::_exit(static_cast<int>(number_of(job, 0)));
}

void hang(Job& /*job*/)
{
    spin();
}

void ignore_term(Job& job)
{
    sigset_t signals;
    (void)::sigemptyset(&signals);
    (void)::sigaddset(&signals, SIGTERM);
    (void)::sigprocmask(SIG_BLOCK, &signals, nullptr);
    job.emit("blocked");
    spin();
}

void block(Job& job)
{
    job.emit("blocked");
    while (true) {
        (void)::sleep(3600);
    }
}

void frozen(Job& /*job*/)
{
    (void)::raise(SIGSTOP);
}

void die(Job& job)
{
    const std::string_view wanted = job.payload().substr(0, job.payload().find(' '));
    for (int signal_number = 1; signal_number < NSIG; ++signal_number) {
        const char* const name = ::sigabbrev_np(signal_number);
        if (name != nullptr && "SIG" + std::string{name} == wanted) {
            (void)::raise(signal_number);
        }
    }
    throw jobmill::Failure{"the payload is no signal"};
}

void throw_error(Job& job)
{
    throw std::runtime_error{std::string{job.payload()}};
}

void throw_int(Job& /*job*/)
{
    throw 42;
}

}  // namespace testhandlers
