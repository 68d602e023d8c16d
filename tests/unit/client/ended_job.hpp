// SPDX-License-Identifier: MIT
// Results as they come, for what is made of them.
#pragma once

#include <string>

#include "jobmill/event.hpp"

namespace jobmill::tests {

inline event::JobResult ended(JobState state, Cause cause = {})
{
    return {.job = JobId{7},
            .state = state,
            .worker = SlotId{2},
            .queue_ns = 3'000'000'000,
            .run_ns = 12'000'000,
            .cause = std::move(cause),
            .payload = {}};
}

inline Cause cause_of(std::string kind, std::string signal = {})
{
    Cause cause;
    cause.kind = std::move(kind);
    cause.signal = std::move(signal);
    return cause;
}

}  // namespace jobmill::tests
