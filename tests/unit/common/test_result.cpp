// SPDX-License-Identifier: MIT
#include <cerrno>
#include <utility>

#include <doctest/doctest.h>

#include "jobmill/result.hpp"

using namespace jobmill;

namespace {

Result<int> half(int number)
{
    if (number % 2 != 0) {
        return fail(Errc::invalid, "odd");
    }
    return number / 2;
}

Result<int> quarter(int number)
{
    JOBMILL_TRY_ASSIGN(const int once, half(number));
    JOBMILL_TRY(half(once));
    return once / 2;
}

}  // namespace

TEST_CASE("an error of the operating system says what was being done and why it failed")
{
    const Error error = fail_errno("opening /x", ENOENT).value();
    CHECK(error.what == "opening /x: No such file or directory");
    CHECK(error.code == Errc::not_found);
}

TEST_CASE("errors are sorted by what a caller can do about them")
{
    for (const auto& each : {std::pair{ESRCH, Errc::not_found},
                             {EACCES, Errc::not_allowed},
                             {EPERM, Errc::not_allowed},
                             {EADDRINUSE, Errc::in_use},
                             {EWOULDBLOCK, Errc::in_use},
                             {EPIPE, Errc::closed},
                             {ECONNREFUSED, Errc::closed},
                             {EMFILE, Errc::exhausted},
                             {ENOSPC, Errc::exhausted},
                             {EINVAL, Errc::invalid},
                             {EIO, Errc::system}}) {
        CAPTURE(each.first);
        CHECK(fail_errno("x", each.first).value().code == each.second);
    }
}

TEST_CASE("an error passes through the calls above it")
{
    CHECK(quarter(8) == 2);
    CHECK(quarter(6).error().what == "odd");
    CHECK(quarter(7).error().what == "odd");
}
