// SPDX-License-Identifier: MIT
// The worker's outgoing frames in its segment. A frame is whole in the ring before it is committed,
// and committed before it is sent; so what a worker finished survives its SIGKILL: the daemon reads
// the link to its end and takes from the ring what was committed and did not arrive.
#pragma once

#include <cstdint>
#include <optional>

#include "common/segment_layout.hpp"
#include "jobmill/bytes.hpp"

namespace jobmill {

/// The worker's side. Offsets count bytes since the worker's start.
class OutboxWriter {
public:
    explicit OutboxWriter(SegmentLayout& layout) noexcept : layout_(layout) {}

    /// Copies one whole frame into the ring and commits it. False when it does not fit beside what
    /// is not sent yet.
    [[nodiscard]] bool commit(ByteView frame) noexcept;

    /// What is committed and not sent, up to the end of the ring's memory.
    [[nodiscard]] ByteView unsent() const noexcept;
    /// Whether the daemon has fetched what is not sent.
    [[nodiscard]] bool all_taken() const noexcept
    {
        return layout_.taken.load(std::memory_order_relaxed) == committed_;
    }
    void sent(std::size_t size) noexcept { sent_ += size; }

private:
    SegmentLayout& layout_;
    std::uint64_t committed_ = 0;
    std::uint64_t sent_ = 0;
};

/// The daemon's side: a copy, in `to`, of what was committed after the first `received` bytes of
/// the stream. False when the offsets are nonsense, or when the worker has written over some of it
/// meanwhile: that much it had sent.
[[nodiscard]] bool read_outbox(const SegmentLayout& layout, std::uint64_t received, Bytes& to);
/// The same in memory of its own.
[[nodiscard]] inline std::optional<Bytes> read_outbox(const SegmentLayout& layout,
                                                      std::uint64_t received)
{
    Bytes copy;
    return read_outbox(layout, received, copy) ? std::optional{std::move(copy)} : std::nullopt;
}

}  // namespace jobmill
