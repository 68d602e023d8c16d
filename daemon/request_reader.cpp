// SPDX-License-Identifier: MIT
#include "daemon/request_reader.hpp"

#include <algorithm>
#include <utility>

#include "common/codec.hpp"
#include "common/limits.hpp"
#include "daemon/refusal.hpp"

namespace jobmill::daemon {
namespace {

/// A client that goes on sends no more at a time, mostly: it needs no new room then.
constexpr std::size_t kept_room = std::size_t{64} * 1024;

bool begins_json(std::byte first)
{
    const auto c = static_cast<char>(first);
    return c == '{' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool is_blank(std::string_view line)
{
    return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

RequestReader::Broken broken(const char* code, std::string text,
                             std::optional<std::uint64_t> limit = {})
{
    return {refusal(code, std::move(text), "", limit)};
}

}  // namespace

void RequestReader::feed(ByteView bytes)
{
    fed_ += bytes.size();
    switch (spelling_) {
        case Spelling::undecided:
            append(undecided_, bytes);
            break;
        case Spelling::binary:
            frames_.feed(bytes);
            break;
        case Spelling::json:
            lines_.feed(bytes);
            break;
    }
}

RequestReader::Outcome RequestReader::next()
{
    switch (spelling_) {
        case Spelling::undecided:
            return decide_spelling();
        case Spelling::binary:
            return next_frame();
        case Spelling::json:
            break;
    }
    return next_line();
}

RequestReader::Outcome RequestReader::decide_spelling()
{
    const ByteView expected = bytes_of(preamble);
    const ByteView seen{undecided_};
    const std::size_t size = std::min(seen.size(), expected.size());
    if (seen.empty()) {
        return Nothing{};
    }
    if (begins_json(seen.front())) {
        spelling_ = Spelling::json;
        lines_.feed(seen);
    } else if (!std::equal(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(size),
                           seen.begin())) {
        return broken(error_code::bad_preamble,
                      "want JSON lines, or the binary preamble \\x8fJOBMILL");
    } else if (size == expected.size()) {
        spelling_ = Spelling::binary;
        frames_.feed(seen.subspan(size));
    } else if (ended_) {
        return broken(error_code::bad_preamble, "the input ended in the preamble");
    } else {
        return Nothing{};
    }
    undecided_ = Bytes{};
    return next();
}

RequestReader::Outcome RequestReader::next_frame()
{
    const auto next = frames_.next();
    if (!next) {
        const bool too_long = next.error().code == Errc::exhausted;
        return broken(too_long ? error_code::too_long : error_code::bad_frame, next.error().what,
                      too_long ? std::optional<std::uint64_t>{limits::frame} : std::nullopt);
    }
    if (!*next) {
        if (ended_ && frames_.partial() > 0) {
            // Said once; what was accepted before is still delivered.
            frames_ = FrameSplitter{Link::client, Direction::to_daemon};
            return Refused{.error = refusal(error_code::bad_frame,
                                            "the input ended in the middle of a frame")};
        }
        return want_more();
    }
    return read(**next);
}

/// Each job pays for this: its submit stays where it was written to.
RequestReader::Outcome RequestReader::read(const Frame& frame)
{
    Outcome outcome{std::in_place_type<Read>};
    Read& read = *std::get_if<Read>(&outcome);
    read.tag = Tag{frame.header.id};
    if (frame.header.type == MessageType::submit_many) {
        read.request.emplace<SubmitMany>().payloads = std::move(payloads_);
    }
    if (auto decoded = decode_request(frame, read.request); !decoded) {
        outcome = unreadable(frame.header, std::move(decoded.error()));
    }
    return outcome;
}

void RequestReader::done_with(Request& request)
{
    auto* const many = std::get_if<SubmitMany>(&request);
    if (many != nullptr && many->payloads.capacity() <= limits::submit_each) {
        payloads_ = std::move(many->payloads);
    }
}

RequestReader::Outcome RequestReader::unreadable(const FrameHeader& header, ErrorReply error)
{
    if (error.code == error_code::bad_frame) {
        return Broken{std::move(error)};
    }
    return Refused{
        .tag = Tag{header.id},
        .id = {},
        .error = std::move(error),
        .pieces_follow =
            (header.type == MessageType::submit || header.type == MessageType::put) && header.more,
        .descriptors = header.descriptors};
}

RequestReader::Outcome RequestReader::next_line()
{
    while (true) {
        auto line = lines_.next();
        if (!line && ended_ && lines_.partial() > 0) {
            line = lines_.take_rest();
        }
        const std::size_t size = line ? line->size() : lines_.partial();
        if (size >= limits::frame) {
            return broken(error_code::too_long, "line above the limit", limits::frame);
        }
        if (!line) {
            return want_more();
        }
        if (is_blank(*line)) {
            continue;
        }
        auto json = json_.decode(*line);
        if (!json) {
            return Refused{.id = std::move(json.error().id),
                           .error = std::move(json.error().error),
                           .pieces_follow = json.error().pieces_follow};
        }
        return Read{.tag = {}, .id = json->id, .request = std::move(json->request)};
    }
}

/// When nothing is left, room that was needed for much is given back: the session may be idle now.
RequestReader::Nothing RequestReader::want_more()
{
    if (partial() || std::exchange(fed_, 0) <= kept_room) {
        return {};
    }
    if (spelling_ == Spelling::binary) {
        frames_ = FrameSplitter{Link::client, Direction::to_daemon};
    } else {
        lines_ = LineSplitter{};
        json_ = JsonDecoder{};  // it keeps a copy of the longest line
    }
    return {};
}

bool RequestReader::partial() const noexcept
{
    switch (spelling_) {
        case Spelling::undecided:
            return !undecided_.empty();
        case Spelling::binary:
            return frames_.partial() > 0;
        case Spelling::json:
            break;
    }
    return lines_.partial() > 0;
}

}  // namespace jobmill::daemon
