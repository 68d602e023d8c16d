// SPDX-License-Identifier: MIT
#include "worker/handlers/peak_sampler.hpp"

#include <fcntl.h>

#include <algorithm>
#include <string>

#include "common/segment_layout.hpp"
#include "worker/usage_meter.hpp"

namespace jobmill::handlers {
namespace {

/// Who waits so long for the next look shows life between them.
constexpr std::chrono::milliseconds longest{heartbeat_ms};

std::uint64_t peak_of(const rusage& used) noexcept
{
    return static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
}

}  // namespace

PeakSampler::PeakSampler(pid_t command)
    : status_(
          ::open(("/proc/" + std::to_string(command) + "/status").c_str(), O_RDONLY | O_CLOEXEC))
{
    rusage own{};
    (void)::getrusage(RUSAGE_SELF, &own);
    own_ = peak_of(own);
}

void PeakSampler::take_last(const rusage& used) noexcept
{
    // The kernel adds up pages now and then only: what is hardly more may be this process's.
    constexpr std::uint64_t inexact = std::uint64_t{1} << 20U;
    const std::uint64_t most = peak_of(used);
    peak_ = std::max(peak_, most > own_ + inexact ? most : 0);
}

std::chrono::milliseconds PeakSampler::look()
{
    const auto now = std::chrono::steady_clock::now();
    if (now >= next_) {
        if (begun_) {
            peak_ = std::max(peak_, read_peak_rss(status_.get()));
        }
        begun_ = true;
        next_ = now + std::chrono::milliseconds{1};
        wait_ = std::min(2 * wait_, longest);
    }
    return wait_;
}

}  // namespace jobmill::handlers
