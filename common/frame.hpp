// SPDX-License-Identifier: MIT
// The binary spelling's frame (PROTOCOL.md, "Frames"): a 16-byte header, fixed fields, a metadata
// map, a payload. Nothing is taken from a stream or allocated for it before its header is judged.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>

#include "common/assert.hpp"
#include "common/limits.hpp"
#include "common/message_table.hpp"
#include "jobmill/bytes.hpp"
#include "jobmill/result.hpp"

namespace jobmill {

struct FrameHeader {
    static constexpr std::size_t size = 16;
    static constexpr std::uint8_t flag_more = 0x01;

    std::uint32_t length = 0;  ///< bytes after the header
    MessageType type{};
    bool more = false;             ///< pieces of this message follow
    std::uint8_t descriptors = 0;  ///< descriptors that accompany this frame
    std::uint16_t fixed = 0;       ///< bytes of the fixed fields; the type says so, not the wire
    std::uint16_t meta = 0;        ///< bytes of the metadata map
    std::uint64_t id = 0;
};

/// A frame, borrowed from the buffer that it was read into.
struct Frame {
    FrameHeader header;
    ByteView fixed;
    ByteView meta;
    ByteView payload;
};

/// Judges a header by itself: known type on this link and in this direction, lengths that fit each
/// other and the limits. Errc::exhausted: it is longer than a frame may be.
[[nodiscard]] Result<FrameHeader> decode_header(std::span<const std::byte, FrameHeader::size> bytes,
                                                Link link, Direction direction);

/// The frame that begins at `start` ends with the buffer.
void finish_frame(std::size_t start, Bytes& to);

/// Appends one frame to a buffer. Begin it, append the fixed fields, then the metadata, then the
/// payload, and finish it; the lengths are filled in at the end.
class FrameWriter {
public:
    FrameWriter(Bytes& to, MessageType type, std::uint64_t id);

    template <std::integral T>
    FrameWriter& field(T value)
    {
        std::memcpy(take(sizeof value), &value, sizeof value);
        return *this;
    }
    FrameWriter& zeros(std::size_t count);
    /// Where the metadata map is to be appended; call end_meta() after it.
    [[nodiscard]] Bytes& begin_meta();
    FrameWriter& end_meta();
    FrameWriter& payload(ByteView bytes);
    FrameWriter& more(bool follows);
    FrameWriter& descriptors(std::uint8_t count);
    void finish() { finish_frame(start_, to_); }

private:
    /// Room for so many bytes of fixed fields.
    [[nodiscard]] std::byte* take(std::size_t size)
    {
        const std::size_t here = at_;
        at_ += size;
        JOBMILL_ASSERT(at_ <= to_.size());
        return to_.data() + here;
    }

    Bytes& to_;
    std::size_t start_;
    std::size_t at_;  ///< where the next fixed field goes; there is room for all
    std::size_t meta_start_ = 0;
};

/// Bytes of a stream in, whole frames out. Keeps at most one partial frame.
class FrameSplitter {
public:
    FrameSplitter(Link link, Direction direction) : link_(link), direction_(direction) {}

    /// Appends what was read. The view that next() answered dies with this.
    void feed(ByteView bytes);

    /// The next whole frame, none when more bytes are needed, or the error that ends the stream.
    [[nodiscard]] Result<std::optional<Frame>> next();

    /// Bytes of a frame that is not whole yet.
    [[nodiscard]] std::size_t partial() const noexcept { return buffer_.size() - taken_; }

private:
    Link link_;
    Direction direction_;
    Bytes buffer_;
    std::size_t taken_ = 0;
};

}  // namespace jobmill
