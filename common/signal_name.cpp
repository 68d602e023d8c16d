// SPDX-License-Identifier: MIT
#include "common/signal_name.hpp"

#include <csignal>
#include <cstring>

namespace jobmill {

std::string signal_name(int signal_number)
{
    if (const char* name = ::sigabbrev_np(signal_number); name != nullptr) {
        return std::string{"SIG"} + name;
    }
    if (signal_number >= SIGRTMIN && signal_number <= SIGRTMAX) {
        return "SIGRTMIN+" + std::to_string(signal_number - SIGRTMIN);
    }
    return "signal " + std::to_string(signal_number);
}

int signal_number(const std::string& name)
{
    for (int candidate = 1; candidate <= SIGRTMAX; ++candidate) {
        if (signal_name(candidate) == name) {
            return candidate;
        }
    }
    return 0;
}

}  // namespace jobmill
