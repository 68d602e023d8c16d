// SPDX-License-Identifier: MIT
#include "common/frame.hpp"

#include <cstring>
#include <string>

#include "common/assert.hpp"

namespace jobmill {
namespace {

constexpr std::size_t type_offset = 4;
constexpr std::size_t flags_offset = 5;
constexpr std::size_t meta_length_offset = 6;
constexpr std::size_t id_offset = 8;

}  // namespace

Result<FrameHeader> decode_header(std::span<const std::byte, FrameHeader::size> bytes, Link link,
                                  Direction direction)
{
    ByteReader reader{bytes};
    FrameHeader header;
    header.length = reader.number<std::uint32_t>();
    header.type = static_cast<MessageType>(reader.number<std::uint8_t>());
    const auto flags = reader.number<std::uint8_t>();
    header.more = (flags & FrameHeader::flag_more) != 0;
    header.descriptors = static_cast<std::uint8_t>(flags >> 4U);
    header.meta = reader.number<std::uint16_t>();
    header.id = reader.number<std::uint64_t>();

    const MessageRow* row = find_message(header.type);
    if (row == nullptr || row->link != link ||
        (row->direction != direction && row->direction != Direction::both)) {
        return fail(Errc::invalid,
                    "unknown message type " + std::to_string(static_cast<unsigned>(header.type)));
    }
    if (header.length > limits::frame - FrameHeader::size) {
        return fail(Errc::exhausted,
                    "frame of " + std::to_string(std::uint64_t{header.length} + FrameHeader::size) +
                        " bytes; the limit is " + std::to_string(limits::frame));
    }
    if ((flags & 0x0eU) != 0) {
        return fail(Errc::invalid, "unknown flags in a " + std::string{row->name} + " frame");
    }
    if (std::size_t{row->fixed} + header.meta > header.length) {
        return fail(Errc::invalid, std::string{row->name} + " frame of " +
                                       std::to_string(header.length) +
                                       " bytes is too short for its fields");
    }
    header.fixed = row->fixed;
    return header;
}

FrameWriter::FrameWriter(Bytes& to, MessageType type, std::uint64_t id)
    : to_(to), start_(to.size()), at_(start_ + FrameHeader::size)
{
    const MessageRow* row = find_message(type);
    JOBMILL_ASSERT(row != nullptr);
    to_.resize(at_ + row->fixed);
    to_[start_ + type_offset] = static_cast<std::byte>(type);
    std::memcpy(to_.data() + start_ + id_offset, &id, sizeof id);
}

FrameWriter& FrameWriter::zeros(std::size_t count)
{
    (void)take(count);
    return *this;
}

Bytes& FrameWriter::begin_meta()
{
    meta_start_ = to_.size();
    return to_;
}

FrameWriter& FrameWriter::end_meta()
{
    const std::size_t size = to_.size() - meta_start_;
    JOBMILL_ASSERT(size <= limits::meta);
    const auto length = static_cast<std::uint16_t>(size);
    std::memcpy(to_.data() + start_ + meta_length_offset, &length, sizeof length);
    return *this;
}

FrameWriter& FrameWriter::payload(ByteView bytes)
{
    append(to_, bytes);
    return *this;
}

FrameWriter& FrameWriter::more(bool follows)
{
    if (follows) {
        to_[start_ + flags_offset] |= std::byte{FrameHeader::flag_more};
    }
    return *this;
}

FrameWriter& FrameWriter::descriptors(std::uint8_t count)
{
    JOBMILL_ASSERT(count <= limits::frame_descriptors);
    to_[start_ + flags_offset] |= std::byte{static_cast<std::uint8_t>(count << 4U)};
    return *this;
}

void finish_frame(std::size_t start, Bytes& to)
{
    const std::size_t length = to.size() - start - FrameHeader::size;
    JOBMILL_ASSERT(length <= limits::frame - FrameHeader::size);
    const auto field = static_cast<std::uint32_t>(length);
    std::memcpy(to.data() + start, &field, sizeof field);
}

void FrameSplitter::feed(ByteView bytes)
{
    if (taken_ > 0) {
        buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(taken_));
        taken_ = 0;
    }
    append(buffer_, bytes);
}

Result<std::optional<Frame>> FrameSplitter::next()
{
    // Every way out returns this one: it is written where the caller reads it.
    Result<std::optional<Frame>> next;
    const ByteView rest = ByteView{buffer_}.subspan(taken_);
    if (rest.size() < FrameHeader::size) {
        return next;
    }
    const auto header = decode_header(rest.first<FrameHeader::size>(), link_, direction_);
    if (!header) {
        next = tl::unexpected<Error>(header.error());
        return next;
    }
    if (rest.size() - FrameHeader::size < header->length) {
        return next;
    }
    ByteReader reader{rest.subspan(FrameHeader::size, header->length)};
    Frame& frame = next->emplace();
    frame.header = *header;
    frame.fixed = reader.take(header->fixed);
    frame.meta = reader.take(header->meta);
    frame.payload = reader.rest();
    taken_ += FrameHeader::size + header->length;
    return next;
}

}  // namespace jobmill
