// SPDX-License-Identifier: MIT
#include <csignal>

#include <doctest/doctest.h>

#include "daemon/child_process.hpp"

using jobmill::daemon::ProcessExit;

TEST_CASE("an exit is told by its code or its signal")
{
    CHECK(ProcessExit{.by_signal = false, .status = 3}.text() == "exit code 3");
    CHECK(ProcessExit{.by_signal = false, .status = 0}.text() == "exit code 0");
    CHECK(ProcessExit{.by_signal = true, .status = SIGSEGV}.text() == "SIGSEGV");
    CHECK(ProcessExit{.by_signal = true, .status = SIGABRT, .core_dumped = true}.text() ==
          "SIGABRT, core dumped");
}

TEST_CASE("time on the processor is that of the user and of the system")
{
    ProcessExit exit;
    exit.usage.ru_utime = {.tv_sec = 1, .tv_usec = 250'000};
    exit.usage.ru_stime = {.tv_sec = 0, .tv_usec = 500'000};
    CHECK(exit.cpu_ns() == 1'750'000'000);
}
