// SPDX-License-Identifier: MIT
// What a worker says: every frame is whole and committed in the outbox of its segment before its
// first byte is sent, so that it survives the worker. Sending waits while the daemon does not read;
// when the daemon is gone, the worker leaves.
#pragma once

#include "common/codec.hpp"
#include "common/outbox.hpp"
#include "common/segment_layout.hpp"

namespace jobmill {

class LinkWriter {
public:
    LinkWriter(int link, SegmentLayout& layout) noexcept;

    template <typename Message>
    void send(const Message& message)
    {
        buffer_.clear();
        encode(message, buffer_);
        send_frame();
    }

    /// The same, but it may wait in the outbox for others, until flush() at the latest. `now` is of
    /// monotonic_ns().
    void send_soon(const JobOutcome& outcome, std::uint64_t now);
    /// Sends what waits.
    void flush();
    /// The same, as there is nothing to do any more.
    void flush_before_rest();

    /// Before a chunk's blob of that size is made: waits while blobs of so many bytes are under way
    /// that more would fill the machine's memory for a reader who does not read.
    void await_room_for_blob(std::uint64_t size);

    /// A message that says has_blob, with its blob.
    template <typename Message>
    void send(const Message& message, int blob)
    {
        buffer_.clear();
        encode(message, buffer_);
        send_frame_with(blob);
    }

private:
    void send_frame();
    void send_frame_with(int blob);
    [[nodiscard]] std::size_t send_first(ByteView bytes, std::span<const int> descriptors);
    void await_empty_link();
    void commit();

    int link_;
    SegmentLayout& layout_;
    std::uint64_t waiting_ = 0;      ///< outcomes that are neither sent nor taken
    std::uint64_t waits_since_ = 0;  ///< the first of these, CLOCK_MONOTONIC in ns
    std::uint64_t busy_since_ = 0;   ///< there was always a next job since then
    bool was_idle_ = true;           ///< since the last outcome
    std::uint64_t blob_bytes_ = 0;   ///< sent since the link was last seen empty
    OutboxWriter outbox_;
    Bytes buffer_;
};

}  // namespace jobmill
