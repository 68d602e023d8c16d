// SPDX-License-Identifier: MIT
// The most memory that a running command had, as far as it was looked at: the kernel forgets it
// when the command ends, and what it tells of the dead counts the worker's own memory.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>

#include "common/unique_fd.hpp"

namespace jobmill::handlers {

class PeakSampler {
public:
    explicit PeakSampler(pid_t command);

    /// Looks, unless it was looked at a millisecond ago. Answers how long to wait for the next
    /// look: longer from time to time, a quarter of a second at most.
    std::chrono::milliseconds look();

    [[nodiscard]] std::uint64_t peak() const noexcept { return peak_; }

private:
    UniqueFd status_;
    std::uint64_t peak_ = 0;
    std::chrono::steady_clock::time_point next_{};
    std::chrono::milliseconds wait_{1};
};

}  // namespace jobmill::handlers
