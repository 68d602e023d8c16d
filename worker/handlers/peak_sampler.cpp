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

}  // namespace

PeakSampler::PeakSampler(pid_t command)
    : status_(
          ::open(("/proc/" + std::to_string(command) + "/status").c_str(), O_RDONLY | O_CLOEXEC))
{
}

std::chrono::milliseconds PeakSampler::look()
{
    const auto now = std::chrono::steady_clock::now();
    if (now >= next_) {
        peak_ = std::max(peak_, read_peak_rss(status_.get()));
        next_ = now + std::chrono::milliseconds{1};
        wait_ = std::min(2 * wait_, longest);
    }
    return wait_;
}

}  // namespace jobmill::handlers
