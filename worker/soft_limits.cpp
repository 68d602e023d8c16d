// SPDX-License-Identifier: MIT
#include "worker/soft_limits.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <limits>

namespace jobmill {
namespace {

constexpr rlim_t most_of_all = std::numeric_limits<rlim_t>::max();

/// `limit` more than `used`; RLIM_INFINITY is the largest number of all.
constexpr rlim_t beyond(rlim_t used, rlim_t limit) noexcept
{
    return limit > most_of_all - used ? RLIM_INFINITY : used + limit;
}

/// What counts for RLIMIT_DATA, and the stack, which is little.
rlim_t data_size()
{
    // size, resident, shared, text, 0, data: in pages
    std::ifstream statm{"/proc/self/statm"};
    rlim_t pages = 0;
    for (int i = 0; i < 6; ++i) {
        statm >> pages;
    }
    return pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
}

/// In seconds, which is what RLIMIT_CPU counts.
rlim_t cpu_limit(std::uint64_t more_ms) noexcept
{
    timespec used{};
    (void)::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    const auto used_ms =
        static_cast<rlim_t>(used.tv_sec) * 1000 + static_cast<rlim_t>(used.tv_nsec) / 1'000'000 + 1;
    const rlim_t end = beyond(used_ms, more_ms);
    return end / 1000 + (end % 1000 == 0 ? 0 : 1);
}

/// Descriptors that the worker holds besides the three standard ones.
rlim_t held_descriptors() noexcept
{
    const int lowest = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (lowest < 0) {
        return 0;
    }
    (void)::close(lowest);
    return static_cast<rlim_t>(lowest - STDERR_FILENO - 1);
}

}  // namespace

SoftLimits::SoftLimits(const JobLimits& limits)
{
    if (limits.cpu_ms != unlimited) {
        hold_to(RLIMIT_CPU, cpu_limit(limits.cpu_ms));
    }
    if (limits.file_size != unlimited) {
        hold_to(RLIMIT_FSIZE, limits.file_size);
    }
    if (limits.open_files != unlimited) {
        hold_to(RLIMIT_NOFILE, beyond(held_descriptors(), limits.open_files));
    }
    // The last, since nothing may be allocated after it.
    if (limits.memory != unlimited) {
        hold_to(RLIMIT_DATA, beyond(data_size(), limits.memory));
    }
}

void SoftLimits::hold_to(__rlimit_resource resource, rlim_t most) noexcept
{
    rlimit before{};
    if (::getrlimit(resource, &before) != 0) {
        return;
    }
    const rlimit limit{std::min(most, before.rlim_cur), before.rlim_max};
    if (::setrlimit(resource, &limit) == 0) {
        others_[size_++] = {resource, before};
    }
}

void SoftLimits::exchange() noexcept
{
    const int saved = errno;
    for (std::size_t i = 0; i < size_; ++i) {
        const rlimit now = others_[i].limit;
        (void)::prlimit(0, others_[i].resource, &now, &others_[i].limit);
    }
    errno = saved;
}

void SoftLimits::Pause::exchange() noexcept
{
    if (limits_ != nullptr) {
        limits_->exchange();
    }
}

}  // namespace jobmill
