// SPDX-License-Identifier: MIT
#include "jobmill/result.hpp"

#include <cerrno>
#include <system_error>

namespace jobmill {
namespace {

Errc classify(int error_number)
{
    switch (error_number) {
        case ENOENT:
        case ESRCH:
        case ENOTDIR:
            return Errc::not_found;
        case EACCES:
        case EPERM:
        case EROFS:
            return Errc::not_allowed;
        case EADDRINUSE:
        case EWOULDBLOCK:
        case EBUSY:
        case EEXIST:
            return Errc::in_use;
        case EPIPE:
        case ECONNRESET:
        case ECONNREFUSED:
            return Errc::closed;
        case ENOMEM:
        case ENOSPC:
        case EMFILE:
        case ENFILE:
            return Errc::exhausted;
        case EINVAL:
        case ENAMETOOLONG:
            return Errc::invalid;
        default:
            return Errc::system;
    }
}

}  // namespace

tl::unexpected<Error> fail_errno(std::string_view doing, int error_number)
{
    std::string what{doing};
    what += ": ";
    what += std::generic_category().message(error_number);
    return fail(classify(error_number), std::move(what));
}

}  // namespace jobmill
