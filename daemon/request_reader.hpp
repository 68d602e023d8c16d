// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "common/frame.hpp"
#include "common/json_lines.hpp"
#include "common/messages.hpp"
#include "daemon/line_splitter.hpp"
#include "daemon/spelling.hpp"

namespace jobmill::daemon {

/// Requests out of what a client sends, in the spelling that its first byte tells. Knows what a
/// request looks like, not what it means.
class RequestReader {
public:
    /// A request; in the JSON spelling its tag is 0, and `id` is what the client calls it. Views in
    /// it live until the next call.
    struct Read {
        Tag tag{};
        std::string_view id;
        Request request;
    };
    /// A request that cannot be followed; the stream goes on.
    struct Refused {
        Tag tag{};
        std::string id;
        ErrorReply error;
        bool pieces_follow = false;
        std::size_t descriptors = 0;  ///< that came with it and are nobody's
    };
    /// The stream cannot be followed any further.
    struct Broken {
        ErrorReply error;
    };
    /// More bytes are needed.
    struct Nothing {};
    using Outcome = std::variant<Nothing, Read, Refused, Broken>;

    void feed(ByteView bytes);
    /// No more bytes will come: what is left is all of it.
    void end() noexcept { ended_ = true; }
    [[nodiscard]] Outcome next();
    /// What it has taken of the heap may serve for those to come.
    void done_with(Request& request);

    [[nodiscard]] Spelling spelling() const noexcept { return spelling_; }
    /// Something has begun and is not whole; meaningful after next() answered nothing.
    [[nodiscard]] bool partial() const noexcept;

private:
    [[nodiscard]] Outcome decide_spelling();
    [[nodiscard]] Outcome next_frame();
    [[nodiscard]] Outcome next_line();
    [[nodiscard]] Outcome read(const Frame& frame);
    [[nodiscard]] static Outcome unreadable(const FrameHeader& header, ErrorReply error);
    [[nodiscard]] Nothing want_more();

    Spelling spelling_ = Spelling::undecided;
    bool ended_ = false;
    std::size_t fed_ = 0;  ///< bytes since all had been taken: no more lie in a buffer
    Bytes undecided_;
    FrameSplitter frames_{Link::client, Direction::to_daemon};
    LineSplitter lines_;
    JsonDecoder json_;
    std::vector<ByteView> payloads_;  ///< room for those of a submit_many
};

}  // namespace jobmill::daemon
