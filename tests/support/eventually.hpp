// SPDX-License-Identifier: MIT
// The one way in which a test waits for what nothing tells it.
#pragma once

#include <poll.h>

#include <chrono>

namespace jobmill::tests {

/// Waits until it holds, for as long as a busy machine may take; false when it does not.
template <typename Predicate>
[[nodiscard]] bool eventually(Predicate holds)
{
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        (void)::poll(nullptr, 0, 1);
    }
    return true;
}

}  // namespace jobmill::tests
