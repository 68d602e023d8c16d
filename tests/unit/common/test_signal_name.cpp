// SPDX-License-Identifier: MIT
#include <csignal>

#include <doctest/doctest.h>

#include "common/signal_name.hpp"

using namespace jobmill;

TEST_CASE("signals have their usual names")
{
    CHECK(signal_name(SIGSEGV) == "SIGSEGV");
    CHECK(signal_name(SIGKILL) == "SIGKILL");
    CHECK(signal_name(SIGRTMIN) == "SIGRTMIN+0");
    CHECK(signal_name(SIGRTMIN + 3) == "SIGRTMIN+3");
}

TEST_CASE("a number that is no signal is named by its number")
{
    CHECK(signal_name(0) == "signal 0");
    CHECK(signal_name(99) == "signal 99");
    CHECK(signal_name(-1) == "signal -1");
}

TEST_CASE("every name leads back to its signal")
{
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        CHECK(signal_number(signal_name(signal)) == signal);
    }
    CHECK(signal_number("SIGNOPE") == 0);
    CHECK(signal_number("") == 0);
}
