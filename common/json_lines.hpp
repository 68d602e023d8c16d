// SPDX-License-Identifier: MIT
// The JSON spelling of the client link: a request from a line, a line from a reply. PROTOCOL.md
// says what the members mean.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "common/messages.hpp"
#include "jobmill/bytes.hpp"

namespace jobmill {

/// A request with its id as it was written, of many jobs that of the first; the Tag in the request
/// is 0. The session gives tags.
struct JsonRequest {
    std::string_view id;  ///< empty: none was given
    Request request;
};

struct JsonFailure {
    std::string id;  ///< as far as it could be read
    ErrorReply error;
    bool pieces_follow = false;  ///< of the payload of this submit or put
};

/// Reads one line at a time. What it answers is borrowed from the decoder until the next call.
class JsonDecoder {
public:
    JsonDecoder();
    ~JsonDecoder();
    JsonDecoder(JsonDecoder&&) noexcept;
    JsonDecoder& operator=(JsonDecoder&&) noexcept;

    /// `line` without its newline, at most limits::frame bytes.
    [[nodiscard]] tl::expected<JsonRequest, JsonFailure> decode(std::string_view line);

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Appends one line with its newline. `id` is the tag as the client wrote it; empty leaves it out.
/// For Accepted, `id` is the tag of the one job, or empty for a retry that had none; use
/// encode_accepted_line for more.
void encode_line(const Reply& reply, std::string_view id, Bytes& to);

/// The same of whatever length, for lines that no session carries: nothing is left out, and a
/// payload that is UTF-8 is text.
void encode_whole_line(const Reply& reply, std::string_view id, Bytes& to);

/// The jobs of `ids` are numbered consecutively from `first`.
void encode_accepted_line(std::span<const std::string> ids, JobId first, Bytes& to);

}  // namespace jobmill
