// SPDX-License-Identifier: MIT
// What the decoder of JSON lines holds from line to line, and how it reads each message. For
// common/json_*.cpp alone.
#pragma once

#include <string_view>
#include <vector>

#include "common/json_lines.hpp"
#include "common/json_members.hpp"
#include "common/json_parser.hpp"

namespace jobmill {

struct JsonDecoder::State {
    using Members = json::Object;

    [[nodiscard]] Decoded<Request> request(std::string_view op, const Members& members);

    [[nodiscard]] Decoded<Request> hello(const Members& members);
    [[nodiscard]] Decoded<Request> submit(const Members& members);
    [[nodiscard]] Decoded<Request> submit_many(const Members& members);
    [[nodiscard]] Decoded<Request> put(const Members& members);
    [[nodiscard]] Decoded<Request> drop(const Members& members);
    [[nodiscard]] Decoded<Request> piece(const Members& members);
    [[nodiscard]] Decoded<Request> cancel(const Members& members);
    [[nodiscard]] Decoded<Request> retry(const Members& members);
    [[nodiscard]] Decoded<Request> wait(const Members& members);
    [[nodiscard]] Decoded<Request> status(const Members& members);
    [[nodiscard]] Decoded<Request> handlers(const Members& members);
    [[nodiscard]] Decoded<Request> ping(const Members& members);
    [[nodiscard]] Decoded<Request> reload(const Members& members);
    [[nodiscard]] Decoded<Request> log_level(const Members& members);
    [[nodiscard]] Decoded<Request> adjust(const Members& members);

    /// An option of every submit, or the refusal of a member that means nothing. `others`: what may
    /// have been meant besides.
    [[nodiscard]] Decoded<void> option(std::string_view key, const json::Element& value,
                                       SubmitOptions& options,
                                       std::span<const std::string_view> others);
    [[nodiscard]] Decoded<void> submit_member(std::string_view key, const json::Element& value,
                                              Submit& submit);
    [[nodiscard]] Decoded<void> take_args(const json::Element& value, ByteView& to);
    [[nodiscard]] Decoded<void> take_payload(std::string_view key, const json::Element& value,
                                             std::size_t limit, ByteView& to);
    [[nodiscard]] Decoded<void> take_payloads(std::string_view key, const json::Element& value,
                                              std::vector<ByteView>& to);

    [[nodiscard]] Decoded<void> take_ids(const Members& members, std::vector<std::string_view>& to);

    json::LineParser parser;
    std::vector<std::string_view> keys;
    std::string_view id;  ///< of the line that is being read; empty: none was given
    Bytes args;
    Bytes payload;  ///< from base64
    bool has_payload = false;
};

}  // namespace jobmill
