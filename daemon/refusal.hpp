// SPDX-License-Identifier: MIT
// Answers to requests that cannot be followed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/codec.hpp"
#include "jobmill/error_code.hpp"

namespace jobmill::daemon {

[[nodiscard, gnu::cold]] inline ErrorReply refusal(const char* code, std::string text,
                                                   std::string field = {},
                                                   std::optional<std::uint64_t> limit = {})
{
    return ErrorReply{.code = code,
                      .text = std::move(text),
                      .field = std::move(field),
                      .limit = limit,
                      .offset = {},
                      .retry_after_ms = {}};
}

[[nodiscard, gnu::cold]] inline tl::unexpected<ErrorReply> refuse(
    const char* code, std::string text, std::string field = {},
    std::optional<std::uint64_t> limit = {})
{
    return tl::unexpected<ErrorReply>(refusal(code, std::move(text), std::move(field), limit));
}

/// When it is worth while to ask again: jobs end all the time, what else is in the way lasts
/// longer.
inline constexpr std::uint64_t retry_soon_ms = 200;
inline constexpr std::uint64_t retry_later_ms = 1000;

/// No room now. Without `limit` where it is not a number that is in the way.
[[nodiscard, gnu::cold]] inline ErrorReply busy_refusal(std::string text,
                                                        std::uint64_t retry_after_ms,
                                                        std::string field = {},
                                                        std::optional<std::uint64_t> limit = {})
{
    ErrorReply reply = refusal(error_code::busy, std::move(text), std::move(field), limit);
    reply.retry_after_ms = retry_after_ms;
    return reply;
}

[[nodiscard, gnu::cold]] inline tl::unexpected<ErrorReply> refuse_busy(
    std::string text, std::uint64_t retry_after_ms, std::string field = {},
    std::optional<std::uint64_t> limit = {})
{
    return tl::unexpected<ErrorReply>(
        busy_refusal(std::move(text), retry_after_ms, std::move(field), limit));
}

}  // namespace jobmill::daemon
