// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>
#include <ctime>

#include "worker/handlers/duration_text.hpp"
#include "worker/handlers/handlers.hpp"
#include "worker/handlers/quoted.hpp"

namespace jobmill::handlers {
namespace {

using Clock = std::chrono::steady_clock;

/// How long it sleeps before it looks whether it was cancelled.
constexpr std::chrono::milliseconds slice{2};

void sleep_until(Clock::time_point when)
{
    const auto since_boot = when.time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_boot);
    const timespec at{seconds.count(), (since_boot - seconds).count()};
    (void)::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
}

}  // namespace

void sleep(Job& job)
{
    const std::string_view text = trimmed(job.payload());
    const auto duration = decimal_duration(text);
    if (!duration) {
        throw Failure{"sleep: not a duration: " + quoted(text)};
    }
    const auto end = Clock::now() + *duration;
    for (auto now = Clock::now(); now < end; now = Clock::now()) {
        job.stop_if_cancelled();
        sleep_until(std::min(end, now + slice));
    }
}

}  // namespace jobmill::handlers
