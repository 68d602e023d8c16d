// SPDX-License-Identifier: MIT
#include "daemon/held_accepts.hpp"

#include "daemon/session_output.hpp"

namespace jobmill::daemon {

void HeldAccepts::remove(const SessionOutput& output)
{
    std::erase(held_, &output);
}

void HeldAccepts::release()
{
    releasing_.swap(held_);
    for (SessionOutput* output : releasing_) {
        output->send_accepted();
    }
    releasing_.clear();
}

}  // namespace jobmill::daemon
