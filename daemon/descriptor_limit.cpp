// SPDX-License-Identifier: MIT
#include "daemon/descriptor_limit.hpp"

#include <sys/resource.h>

namespace jobmill::daemon {
namespace {

std::optional<std::uint64_t> first_limit;

}  // namespace

void raise_descriptor_limit()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) {
        return;
    }
    const rlim_t first = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) {
        first_limit = first;
    }
}

std::optional<std::uint64_t> first_descriptor_limit() noexcept
{
    return first_limit;
}

}  // namespace jobmill::daemon
