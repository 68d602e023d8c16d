// SPDX-License-Identifier: MIT
// The sign of life in a worker's segment. Shown when a job begins and ends, when its handler calls
// emit(), progress(), cancelled() or alive(), and while a call waits for a reader; so one that
// grows old is of a job that does none of these.
#pragma once

#include <cstdint>
#include <ctime>

#include "common/segment_layout.hpp"

namespace jobmill {

[[nodiscard]] inline std::uint64_t monotonic_ns(clockid_t clock = CLOCK_MONOTONIC) noexcept
{
    timespec now{};
    (void)::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(now.tv_nsec);
}

inline void show_life(SegmentLayout& layout) noexcept
{
    // The coarse clock costs 5 ns and is right to 4 ms.
    layout.heartbeat.store(monotonic_ns(CLOCK_MONOTONIC_COARSE), std::memory_order_relaxed);
}

}  // namespace jobmill
