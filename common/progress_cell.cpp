// SPDX-License-Identifier: MIT
#include "common/progress_cell.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "common/utf8.hpp"

namespace jobmill {

void write_progress(SegmentLayout::Progress& cell, Sequence sequence, std::uint64_t done,
                    std::uint64_t total, std::string_view note) noexcept
{
    const std::string_view fitting = utf8_head(note, sizeof cell.note);
    const std::uint64_t version = cell.version.load(std::memory_order_relaxed) | 1U;
    cell.version.store(version, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    cell.sequence.store(number(sequence), std::memory_order_relaxed);
    cell.done.store(done, std::memory_order_relaxed);
    cell.total.store(total, std::memory_order_relaxed);
    cell.note_size.store(fitting.size(), std::memory_order_relaxed);
    std::copy(fitting.begin(), fitting.end(), cell.note);
    cell.version.store(version + 1, std::memory_order_release);
}

std::optional<ProgressReading> read_progress(const SegmentLayout::Progress& cell)
{
    const std::uint64_t version = cell.version.load(std::memory_order_acquire);
    if (version == 0 || (version & 1U) != 0) {
        return {};
    }
    ProgressReading reading;
    reading.version = version;
    reading.sequence = Sequence{cell.sequence.load(std::memory_order_relaxed)};
    reading.done = cell.done.load(std::memory_order_relaxed);
    reading.total = cell.total.load(std::memory_order_relaxed);
    std::array<char, sizeof cell.note> note{};
    const std::size_t size =
        std::min<std::uint64_t>(cell.note_size.load(std::memory_order_relaxed), note.size());
    std::memcpy(note.data(), cell.note, size);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (cell.version.load(std::memory_order_relaxed) != version) {
        return {};
    }
    reading.note = to_valid_utf8({note.data(), size});
    return reading;
}

}  // namespace jobmill
