// SPDX-License-Identifier: MIT
#include <stdexcept>

#include <jobmill/handler.hpp>

namespace {

int fail_to_start()
{
    throw std::runtime_error{"a static constructor threw"};
}

const int never = fail_to_start();

std::string nothing(jobmill::Job& /*job*/)
{
    return std::to_string(never);
}

}  // namespace

JOBMILL_MODULE("static_throws", {"nothing", "is never loaded", nothing})
