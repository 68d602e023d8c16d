// SPDX-License-Identifier: MIT
// Events as the daemon's messages, which the JSON spelling knows how to write.
#pragma once

#include "common/messages.hpp"
#include "jobmill/event.hpp"

namespace jobmill::commands {

/// The message that the event came from, borrowed from the event.
[[nodiscard]] Reply as_reply(const ClientEvent& event);

}  // namespace jobmill::commands
