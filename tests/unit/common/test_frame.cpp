// SPDX-License-Identifier: MIT
#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "common/codec.hpp"
#include "common/frame.hpp"

using namespace jobmill;

namespace {

struct Seen {
    MessageType type{};
    std::uint64_t id = 0;
    std::string payload;

    friend bool operator==(const Seen&, const Seen&) = default;
};

FrameSplitter daemon_side()
{
    return FrameSplitter{Link::client, Direction::to_daemon};
}

/// What comes out when the bytes come in pieces of that size; "error" when the stream ends so.
std::vector<Seen> split(ByteView bytes, std::size_t piece)
{
    FrameSplitter splitter = daemon_side();
    std::vector<Seen> seen;
    while (!bytes.empty()) {
        const ByteView part = bytes.first(std::min(piece, bytes.size()));
        bytes = bytes.subspan(part.size());
        splitter.feed(part);
        while (true) {
            const auto frame = splitter.next();
            if (!frame) {
                seen.push_back({{}, 0, "error"});
                return seen;
            }
            if (!*frame) {
                break;
            }
            seen.push_back({(*frame)->header.type, (*frame)->header.id,
                            std::string{text_of((*frame)->payload)}});
        }
    }
    return seen;
}

Bytes stream_of_four()
{
    Bytes bytes;
    encode(Hello{.min_version = 1, .max_version = 1, .client = "test"}, bytes);
    encode(Ping{Tag{1}, {}}, bytes);
    encode(Ping{Tag{2}, bytes_of("payload")}, bytes);
    encode(Wait{Tag{3}, JobId{4}}, bytes);
    return bytes;
}

Bytes header(std::uint32_t length, int type, int flags, std::uint16_t meta)
{
    Bytes bytes;
    append_number(bytes, length);
    append_number(bytes, static_cast<std::uint8_t>(type));
    append_number(bytes, static_cast<std::uint8_t>(flags));
    append_number(bytes, meta);
    append_number(bytes, std::uint64_t{9});
    return bytes;
}

Result<FrameHeader> judged(const Bytes& bytes)
{
    return decode_header(ByteView{bytes}.first<FrameHeader::size>(), Link::client,
                         Direction::to_daemon);
}

constexpr int ping = 17;
constexpr int submit = 5;

}  // namespace

TEST_CASE("frames come out the same wherever the stream is cut")
{
    const Bytes bytes = stream_of_four();
    const std::vector<Seen> whole = split(bytes, bytes.size());
    CHECK(whole == std::vector<Seen>{{MessageType::hello, 0, ""},
                                     {MessageType::ping, 1, ""},
                                     {MessageType::ping, 2, "payload"},
                                     {MessageType::wait, 3, ""}});
    for (std::size_t piece = 1; piece < bytes.size(); ++piece) {
        CAPTURE(piece);
        CHECK(split(bytes, piece) == whole);
    }
}

TEST_CASE("a stream in two parts loses nothing, cut at any byte")
{
    const Bytes bytes = stream_of_four();
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        FrameSplitter splitter = daemon_side();
        std::size_t frames = 0;
        for (const ByteView part : {ByteView{bytes}.first(cut), ByteView{bytes}.subspan(cut)}) {
            splitter.feed(part);
            for (auto frame = splitter.next(); frame && *frame; frame = splitter.next()) {
                ++frames;
            }
        }
        CAPTURE(cut);
        CHECK(frames == 4);
        CHECK(splitter.partial() == 0);
    }
}

TEST_CASE("a partial frame is counted until it is whole")
{
    FrameSplitter splitter = daemon_side();
    const Bytes bytes = stream_of_four();
    splitter.feed(ByteView{bytes}.first(10));
    CHECK_FALSE(splitter.next()->has_value());
    CHECK(splitter.partial() == 10);
}

TEST_CASE("a frame above the limit is refused by its header alone")
{
    const auto refused = judged(header(limits::frame - FrameHeader::size + 1, ping, 0, 0));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Errc::exhausted);
    CHECK(refused.error().what == "frame of 262145 bytes; the limit is 262144");
    CHECK(judged(header(limits::frame - FrameHeader::size, ping, 0, 0)).has_value());

    FrameSplitter splitter = daemon_side();
    splitter.feed(header(0xffffffff, ping, 0, 0));
    CHECK_FALSE_MESSAGE(splitter.next().has_value(), "without waiting for the rest of it");
    CHECK(splitter.partial() == FrameHeader::size);
}

TEST_CASE("types that are unknown on this link or in this direction are refused")
{
    CHECK_FALSE(judged(header(0, 0, 0, 0)).has_value());
    CHECK_FALSE(judged(header(0, 255, 0, 0)).has_value());
    CHECK_FALSE_MESSAGE(judged(header(40, 2, 0, 0)).has_value(), "welcome goes the other way");
    CHECK_FALSE_MESSAGE(judged(header(24, 69, 0, 0)).has_value(), "job is of the worker link");
    CHECK_MESSAGE(judged(header(0, 6, 0, 0)).has_value(), "piece goes both ways");
}

TEST_CASE("lengths that do not fit each other are refused")
{
    CHECK(judged(header(16, submit, 0, 0)).has_value());
    CHECK_FALSE(judged(header(15, submit, 0, 0)).has_value());
    CHECK(judged(header(17, submit, 0, 1)).has_value());
    CHECK_FALSE(judged(header(16, submit, 0, 1)).has_value());
    CHECK_FALSE(judged(header(0, ping, 0, 65535)).has_value());
}

TEST_CASE("flags without a meaning are refused")
{
    for (int bit = 1; bit <= 3; ++bit) {
        CHECK_FALSE(judged(header(0, ping, 1 << bit, 0)).has_value());
    }
    const auto flagged = judged(header(16, submit, 0xf1, 0));
    REQUIRE(flagged.has_value());
    CHECK(flagged->more);
    CHECK(flagged->descriptors == 15);
}

TEST_CASE("a bad header in mid-stream ends it after the frames before")
{
    Bytes bytes = stream_of_four();
    append(bytes, ByteView{header(0, 0, 0, 0)});
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
        const std::vector<Seen> seen = split(bytes, piece);
        REQUIRE(seen.size() == 5);
        CHECK(seen.back().payload == "error");
    }
}
