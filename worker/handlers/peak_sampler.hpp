// SPDX-License-Identifier: MIT
// The most memory that a running command had, as far as it was looked at: the kernel forgets it
// when the command ends, and what it tells of the dead counts the worker's own memory. So of the
// dead it counts only if it is more than that.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>

#include "common/unique_fd.hpp"

namespace jobmill::handlers {

class PeakSampler {
public:
    explicit PeakSampler(pid_t command);

    /// Looks, unless it was looked at a millisecond ago, or for the first time: a program that has
    /// just begun is not loaded yet. Answers how long to wait for the next
    /// look: longer from time to time, a quarter of a second at most.
    std::chrono::milliseconds look();

    /// The command is dead and reaped, and took this.
    void take_last(const rusage& used) noexcept;

    /// Bytes; 0: nobody knows.
    [[nodiscard]] std::uint64_t peak() const noexcept { return peak_; }

private:
    UniqueFd status_;
    std::uint64_t own_ = 0;  ///< the most that this process had, when the command had begun
    std::uint64_t peak_ = 0;
    bool begun_ = false;
    std::chrono::steady_clock::time_point next_{};
    std::chrono::milliseconds wait_{1};
};

}  // namespace jobmill::handlers
