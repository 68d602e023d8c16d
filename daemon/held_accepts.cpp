// SPDX-License-Identifier: MIT
#include "daemon/held_accepts.hpp"

#include "daemon/session_output.hpp"

namespace jobmill::daemon {

void HeldAccepts::add(SessionOutput& output)
{
    output.held_place_ = held_.size();
    held_.push_back(&output);
}

void HeldAccepts::remove(SessionOutput& output)
{
    const std::size_t place = *output.held_place_;
    held_[place] = held_.back();
    held_[place]->held_place_ = place;
    held_.pop_back();
    output.held_place_.reset();
}

void HeldAccepts::release()
{
    while (!held_.empty()) {
        held_.back()->send_accepted();  // which removes it
    }
}

}  // namespace jobmill::daemon
