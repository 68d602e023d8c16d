// SPDX-License-Identifier: MIT
// After the clients: reads the detached jobs that nobody has read to their end, those of which no
// history knows the number too, as status lists them.
#pragma once

#include <string>
#include <vector>

namespace jobmill::chaos {

struct Collection {
    std::string socket;
    std::vector<std::string> histories;  ///< of the clients
    std::string history;                 ///< its own
};

void collect(const Collection& what);

}  // namespace jobmill::chaos
