// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <thread>

#include <jobmill/handler.hpp>

namespace {

void nothing(jobmill::Job& /*job*/) {}

const int started = [] {
    std::thread{[] {
        while (true) {
            (void)::pause();
        }
    }}.detach();
    return 1;
}();

std::string ready(jobmill::Job& /*job*/)
{
    return std::to_string(started);
}

}  // namespace

JOBMILL_MODULE("starts_thread", {"nothing", "does nothing", nothing}, {"ready", "1", ready})
