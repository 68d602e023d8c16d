// SPDX-License-Identifier: MIT
// The master of the bare relay: a libuv loop between clients and workers, and nothing else. Frames
// are gathered and written once a turn of the loop. A worker is given some 300 us of work ahead, as
// jobmill's are, at most 256 frames.
#pragma once

#include <span>

namespace jobmill::bench {

/// Runs until the first client leaves; the descriptors are connected sockets, owned from now on.
void run_relay_master(std::span<const int> clients, std::span<const int> workers);

}  // namespace jobmill::bench
