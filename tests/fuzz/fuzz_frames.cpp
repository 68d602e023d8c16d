// SPDX-License-Identifier: MIT
// A stream that comes whole and the same stream in pieces are the same frames and end the same way.
#include <algorithm>
#include <string>
#include <vector>

#include "common/assert.hpp"
#include "common/frame.hpp"

using namespace jobmill;

namespace {

std::vector<std::string> split(ByteView bytes, Link link, Direction direction, std::size_t piece)
{
    FrameSplitter splitter{link, direction};
    std::vector<std::string> seen;
    while (!bytes.empty()) {
        const ByteView part = bytes.first(std::min(piece, bytes.size()));
        bytes = bytes.subspan(part.size());
        splitter.feed(part);
        auto frame = splitter.next();
        for (; frame && *frame; frame = splitter.next()) {
            const Frame& whole = **frame;
            JOBMILL_ASSERT(whole.fixed.size() == find_message(whole.header.type)->fixed);
            JOBMILL_ASSERT(whole.meta.size() == whole.header.meta);
            std::string text{text_of(whole.fixed)};
            text += text_of(whole.meta);
            text += text_of(whole.payload);
            JOBMILL_ASSERT(text.size() == whole.header.length);
            seen.push_back(std::to_string(whole.header.id) + text);
        }
        if (!frame) {
            seen.push_back(frame.error().what);
            break;
        }
        JOBMILL_ASSERT(splitter.partial() <= limits::frame + part.size());
    }
    return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const ByteView bytes = std::as_bytes(std::span{data, size});
    for (const Link link : {Link::client, Link::template_, Link::worker}) {
        for (const Direction direction : {Direction::to_daemon, Direction::from_daemon}) {
            const auto whole = split(bytes, link, direction, size);
            JOBMILL_ASSERT(split(bytes, link, direction, 1) == whole);
            JOBMILL_ASSERT(split(bytes, link, direction, 7) == whole);
            JOBMILL_ASSERT(split(bytes, link, direction, size / 2 + 1) == whole);
        }
    }
    return 0;
}
