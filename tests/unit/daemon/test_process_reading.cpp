// SPDX-License-Identifier: MIT
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <doctest/doctest.h>

#include "daemon/process_reading.hpp"
#include "tests/unit/daemon/temp_directory.hpp"

using namespace jobmill::daemon;
using jobmill::tests::TempDirectory;

TEST_CASE("a worker has grown by what it has for itself, not by blobs")
{
    const TempDirectory proc;
    proc.write("7/status",
               "Name:\tVmRSS:\nVmRSS:\t    100 kB\nRssAnon:\t 5 kB\nRssShmem:\t 30 kB\n");
    CHECK(unshared_size(7, proc.path()) == 70U * 1024);
    proc.write("7/status", "VmRSS:\t 10 kB\nRssShmem:\t 30 kB\n");
    CHECK(unshared_size(7, proc.path()) == 0U);
    for (const char* text :
         {"", "VmRSS:\t 10 kB\n", "RssShmem:\t 10 kB\n", "VmRSS:\t x kB\nRssShmem:\t 1 kB\n",
          "VmRSS:\t18446744073709551615 kB\nRssShmem:\t 1 kB\n"}) {
        CAPTURE(text);
        proc.write("7/status", text);
        CHECK_FALSE(unshared_size(7, proc.path()).has_value());
    }
    CHECK_FALSE(unshared_size(8, proc.path()).has_value());
}

TEST_CASE("the most memory that a process had is in its status, in kibibytes")
{
    const TempDirectory proc;
    proc.write("7/status", "Name:\tVmHWM:\nVmPeak:\t  90 kB\nVmHWM:\t    12 kB\nVmRSS:\t 1 kB\n");
    CHECK(peak_resident_size(7, proc.path()) == 12U * 1024);
    proc.write("7/status", "Name:\tx\nState:\tZ (zombie)\n");
    CHECK_FALSE(peak_resident_size(7, proc.path()).has_value());
    proc.write("7/status", "VmHWM:\t18446744073709551615 kB\n");
    CHECK_FALSE(peak_resident_size(7, proc.path()).has_value());
    CHECK_FALSE(peak_resident_size(8, proc.path()).has_value());
    CHECK(peak_resident_size(::getpid()).value_or(0) > 100'000);
}

TEST_CASE("the state is behind the name, whatever the name is")
{
    const TempDirectory proc;
    const auto state_by = [&](const char* stat) {
        proc.write("7/stat", stat);
        return process_state(7, proc.path()).value_or('-');
    };
    CHECK(state_by("7 (sleep) S 1 7 7") == 'S');
    CHECK(state_by("7 (a) D 2 (b) R 1) T 1 7 7") == 'T');
    CHECK(state_by("7 (a\n) D 1 7") == 'D');
    for (const char* text :
         {"", "7 (sleep", "7 (sleep)", "7 (sleep) ", "7 (sleep) S", "7 (x) SS 1"}) {
        CHECK(state_by(text) == '-');
    }
    CHECK_FALSE(process_state(8, proc.path()).has_value());
}

TEST_CASE("states in which a process does not go on have a text")
{
    CHECK(stuck_text('D') == "waits in the kernel and cannot be killed");
    CHECK(stuck_text('T') == "stopped");
    CHECK(stuck_text('t') == "traced");
    CHECK(stuck_text('Z') == "dead");
    for (const char state : {'R', 'S', 'I', '?'}) {
        CHECK(stuck_text(state).empty());
    }
}

TEST_CASE("a real process has a size and a state, until it is reaped")
{
    CHECK(unshared_size(::getpid()).value() > 100'000);
    CHECK(process_state(::getpid()) == 'R');
    const pid_t child = ::fork();
    if (child == 0) {
        (void)::raise(SIGSTOP);
        ::_exit(0);
    }
    REQUIRE(child > 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, WUNTRACED) == child);
    CHECK(process_state(child) == 'T');
    REQUIRE(::kill(child, SIGKILL) == 0);
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK_FALSE(process_state(child).has_value());
    CHECK_FALSE(unshared_size(child).has_value());
}

TEST_CASE("a process tells its own time on the processor until it is reaped")
{
    CHECK_FALSE(cpu_time(0).has_value());
    CHECK_FALSE(cpu_time(-1).has_value());
    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    REQUIRE(child > 0);
    CHECK(cpu_time(child).has_value());
    CHECK(cpu_time(::getpid()).value_or(0) > 0);
    CHECK(::kill(child, SIGKILL) == 0);
    CHECK(::waitpid(child, nullptr, 0) == child);
    CHECK_FALSE(cpu_time(child).has_value());
}
