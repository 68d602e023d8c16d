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
    LinkWriter(int link, SegmentLayout& layout) noexcept : link_(link), outbox_(layout) {}

    template <typename Message>
    void send(const Message& message)
    {
        buffer_.clear();
        encode(message, buffer_);
        send_frame();
    }

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
    void commit();
    void flush();

    int link_;
    OutboxWriter outbox_;
    Bytes buffer_;
};

}  // namespace jobmill
