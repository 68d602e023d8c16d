// SPDX-License-Identifier: MIT
// How a call that may fail answers: a value, or an Error that says what was being done, to what,
// and why it failed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace jobmill {

/// What some caller branches on; the text is for people.
enum class Errc : std::uint8_t {
    invalid,      ///< the input is malformed or out of its range
    not_found,    ///< there is no such file, process, job or peer
    not_allowed,  ///< permission, ownership or mode forbids it
    in_use,       ///< somebody else holds it
    closed,       ///< the peer is gone
    exhausted,    ///< out of memory, space, descriptors or processes
    system,       ///< any other failure of the operating system
};

struct Error {
    Errc code = Errc::system;
    std::string what;
};

template <typename T>
using Result = tl::expected<T, Error>;

[[nodiscard, gnu::cold]] inline tl::unexpected<Error> fail(Errc code, std::string what)
{
    return tl::unexpected<Error>(Error{code, std::move(what)});
}

/// An Error from `errno`: "<doing>: <the system's words>".
[[nodiscard, gnu::cold]] tl::unexpected<Error> fail_errno(std::string_view doing, int error_number);

}  // namespace jobmill

#define JOBMILL_CONCAT_(a, b) a##b
#define JOBMILL_CONCAT(a, b) JOBMILL_CONCAT_(a, b)

/// Returns the error of `expression` from the calling function.
#define JOBMILL_TRY(expression)                                            \
    do {                                                                   \
        if (auto jobmill_try_ = (expression); !jobmill_try_) {             \
            return tl::unexpected<::jobmill::Error>(jobmill_try_.error()); \
        }                                                                  \
    } while (false)

// NOLINTBEGIN(bugprone-macro-parentheses): `variable` is a declaration
/// Declares `variable` with the value of `expression`, or returns its error.
#define JOBMILL_TRY_ASSIGN(variable, expression)                        \
    auto JOBMILL_CONCAT(jobmill_try_, __LINE__) = (expression);         \
    if (!JOBMILL_CONCAT(jobmill_try_, __LINE__)) {                      \
        return tl::unexpected<::jobmill::Error>(                        \
            std::move(JOBMILL_CONCAT(jobmill_try_, __LINE__)).error()); \
    }                                                                   \
    variable = std::move(*JOBMILL_CONCAT(jobmill_try_, __LINE__))
// NOLINTEND(bugprone-macro-parentheses)
