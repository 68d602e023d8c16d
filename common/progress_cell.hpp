// SPDX-License-Identifier: MIT
// A job's progress in the segment: the worker overwrites it as often as it likes, the daemon looks
// when somebody wants to know. Reporting costs the job no system call.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/segment_layout.hpp"
#include "jobmill/ids.hpp"

namespace jobmill {

struct ProgressReading {
    Sequence sequence{};
    std::uint64_t done = 0;
    std::uint64_t total = 0;
    std::string note;           ///< valid UTF-8
    std::uint64_t version = 0;  ///< differs when anything was reported since
};

void write_progress(SegmentLayout::Progress& cell, Sequence sequence, std::uint64_t done,
                    std::uint64_t total, std::string_view note) noexcept;

/// None when nothing was reported yet, or the worker is writing at this moment.
[[nodiscard]] std::optional<ProgressReading> read_progress(const SegmentLayout::Progress& cell);

}  // namespace jobmill
