// SPDX-License-Identifier: MIT
// A run: a daemon of its own, sixteen clients, and somebody who kills. Judged at its end.
#pragma once

#include <cstdint>
#include <string>

namespace jobmill::chaos {

struct ArenaOptions {
    std::string program;  ///< this one, for its clients
    std::uint64_t seconds = 60;
    std::uint64_t seed = 1;
    bool keep = false;  ///< the histories and the log, even if all is well
};

/// Prints a line, and what is wrong; answers whether nothing is.
[[nodiscard]] bool run_arena(const ArenaOptions& options);

}  // namespace jobmill::chaos
