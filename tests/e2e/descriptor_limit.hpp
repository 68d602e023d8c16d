// SPDX-License-Identifier: MIT
#pragma once

#include <sys/resource.h>

#include <algorithm>

#include <doctest/doctest.h>

namespace jobmill::tests {

/// As long as it lives, this process may have so many descriptors, or as many as it may at all.
class DescriptorLimit {
public:
    explicit DescriptorLimit(rlim_t most)
    {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const rlimit limit{.rlim_cur = std::min(most, before_.rlim_max),
                           .rlim_max = before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
    }
    ~DescriptorLimit() { (void)::setrlimit(RLIMIT_NOFILE, &before_); }
    DescriptorLimit(const DescriptorLimit&) = delete;
    DescriptorLimit& operator=(const DescriptorLimit&) = delete;

private:
    rlimit before_{};
};

}  // namespace jobmill::tests
