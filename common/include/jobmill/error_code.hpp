// SPDX-License-Identifier: MIT
// Errors that the daemon answers with; PROTOCOL.md says what each means and what to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace jobmill {

/// An answer to a request that cannot be followed. `code` is one of PROTOCOL.md's table.
struct ErrorReply {
    std::string code;
    std::string text;   ///< for people
    std::string field;  ///< the offending field, when one is
    std::optional<std::uint64_t> limit;
    std::optional<std::uint64_t> offset;  ///< of the first bad byte in the line or frame
    std::optional<std::uint64_t> retry_after_ms;

    friend bool operator==(const ErrorReply&, const ErrorReply&) = default;
};

namespace error_code {
inline constexpr auto bad_preamble = "bad_preamble";
inline constexpr auto bad_version = "bad_version";
inline constexpr auto bad_frame = "bad_frame";
inline constexpr auto bad_json = "bad_json";
inline constexpr auto too_deep = "too_deep";
inline constexpr auto not_utf8 = "not_utf8";
inline constexpr auto wrong_type = "wrong_type";
inline constexpr auto missing_field = "missing_field";
inline constexpr auto bad_value = "bad_value";
inline constexpr auto too_long = "too_long";
inline constexpr auto too_large = "too_large";
inline constexpr auto unknown_op = "unknown_op";
inline constexpr auto unknown_pool = "unknown_pool";
inline constexpr auto unknown_handler = "unknown_handler";
inline constexpr auto unknown_option = "unknown_option";
inline constexpr auto duplicate_id = "duplicate_id";
inline constexpr auto not_found = "not_found";
inline constexpr auto gone = "gone";
inline constexpr auto busy = "busy";
inline constexpr auto closing = "closing";
inline constexpr auto not_allowed = "not_allowed";
inline constexpr auto bad_descriptor = "bad_descriptor";
inline constexpr auto pool_down = "pool_down";
inline constexpr auto timeout = "timeout";
inline constexpr auto bad_config = "bad_config";
inline constexpr auto halted = "halted";
inline constexpr auto running = "running";
}  // namespace error_code

}  // namespace jobmill
