// SPDX-License-Identifier: MIT
// Answers to requests that cannot be followed.
#pragma once

#include <optional>
#include <string>

#include "common/codec.hpp"
#include "jobmill/error_code.hpp"

namespace jobmill::daemon {

[[nodiscard]] inline ErrorReply refusal(const char* code, std::string text, std::string field = {},
                                        std::optional<std::uint64_t> limit = {})
{
    return ErrorReply{.code = code,
                      .text = std::move(text),
                      .field = std::move(field),
                      .limit = limit,
                      .offset = {},
                      .retry_after_ms = {}};
}

[[nodiscard]] inline tl::unexpected<ErrorReply> refuse(const char* code, std::string text,
                                                       std::string field = {},
                                                       std::optional<std::uint64_t> limit = {})
{
    return tl::unexpected<ErrorReply>(refusal(code, std::move(text), std::move(field), limit));
}

}  // namespace jobmill::daemon
