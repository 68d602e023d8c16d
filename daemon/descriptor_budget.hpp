// SPDX-License-Identifier: MIT
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <cstdint>

namespace jobmill::daemon {

/// What may still be done with descriptors while some are left for more important things. The
/// kernel gives the lowest number that is free, so a number says how many are in use at least.
class DescriptorBudget {
public:
    explicit DescriptorBudget(int limit) noexcept : limit_(limit) {}

    [[nodiscard]] static DescriptorBudget of_this_process() noexcept
    {
        rlimit limit{};
        constexpr rlim_t countless = 1U << 30U;
        const bool known = ::getrlimit(RLIMIT_NOFILE, &limit) == 0;
        return DescriptorBudget{
            static_cast<int>(std::min(known ? limit.rlim_cur : countless, countless))};
    }

    /// A quarter, 64 at most, is left for workers: a process takes five while it starts.
    [[nodiscard]] bool allows_session(int fd) const noexcept
    {
        return fd < limit_ - std::min(limit_ / 4, 64);
    }
    /// Half is left for sessions and workers: a payload's descriptor stays as long as its job
    /// waits.
    [[nodiscard]] bool allows_blob(int fd) const noexcept { return fd < limit_ / 2; }

    /// Of payloads that wait, for one user of many: half of what all may have.
    [[nodiscard]] std::uint64_t blobs_of_one_user() const noexcept
    {
        return static_cast<std::uint64_t>(limit_ / 4);
    }

    [[nodiscard]] int limit() const noexcept { return limit_; }

private:
    int limit_;
};

}  // namespace jobmill::daemon
