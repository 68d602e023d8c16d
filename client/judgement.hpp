// SPDX-License-Identifier: MIT
// What a conversation checks before it says it, and judges when it hears it. For client/ alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/codec.hpp"
#include "common/limits.hpp"
#include "jobmill/bytes.hpp"
#include "jobmill/error_code.hpp"
#include "jobmill/ids.hpp"
#include "jobmill/result.hpp"

namespace jobmill {

/// Numbers of opened handlers begin here, so that an error's id tells a handler from a job.
inline constexpr std::uint32_t first_handler_number = 0xffff0000;

[[nodiscard]] inline Result<void> check_name(std::string_view what, std::string_view name)
{
    if (name.size() > limits::name) {
        return fail(Errc::invalid, std::string{what} + " of " + std::to_string(name.size()) +
                                       " bytes; the limit is " + std::to_string(limits::name));
    }
    return {};
}

[[nodiscard]] inline Result<void> as_result(const Decoded<void>& checked)
{
    return checked ? Result<void>{}
                   : fail(Errc::invalid, checked.error().field + ": " + checked.error().text);
}

/// A refusal as a call answers it.
[[nodiscard]] inline Errc errc_of(const ErrorReply& error)
{
    if (error.code == error_code::closing) {
        return Errc::closed;
    }
    if (error.code == error_code::busy) {
        return Errc::in_use;
    }
    if (error.code == error_code::not_found || error.code == error_code::gone) {
        return Errc::not_found;
    }
    return error.code == error_code::not_allowed ? Errc::not_allowed : Errc::invalid;
}

[[nodiscard]] inline Error as_error(const ErrorReply& error)
{
    const std::string field = error.field.empty() ? std::string{} : error.field + ": ";
    return Error{errc_of(error), field + (error.text.empty() ? error.code : error.text)};
}

/// The daemon said what it should never say.
[[nodiscard]] inline tl::unexpected<Error> nonsense(std::string_view message, Tag tag,
                                                    std::string_view why)
{
    return fail(Errc::invalid, "the daemon sent a bad " + std::string{message} + " for tag " +
                                   std::to_string(number(tag)) + ": " + std::string{why});
}

[[nodiscard]] inline Bytes copy(ByteView bytes)
{
    return {bytes.begin(), bytes.end()};
}

}  // namespace jobmill
