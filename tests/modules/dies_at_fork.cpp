// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <unistd.h>

#include <cstdlib>

#include <jobmill/handler.hpp>

namespace {

int forks = 0;  ///< from the template on

/// Each new worker, while the file is there that the environment names.
void die_if_told()
{
    constexpr int of_worker = 2;
    const char* const file = std::getenv("DIE_WHILE");
    if (++forks == of_worker && file != nullptr && ::access(file, F_OK) == 0) {
        ::_exit(7);
    }
}

/// The template itself.
void take_template_along()
{
    const char* const file = std::getenv("TEMPLATE_DIES_WHILE");
    if (file != nullptr && ::access(file, F_OK) == 0) {
        ::_exit(8);
    }
}

const int registered = ::pthread_atfork(take_template_along, nullptr, die_if_told);

std::string ready(jobmill::Job& /*job*/)
{
    return std::to_string(registered);
}

void leave(jobmill::Job& /*job*/)
{
    ::_exit(3);
}

}  // namespace

JOBMILL_MODULE("dies_at_fork", {"ready", "0", ready}, {"leave", "dies", leave})
