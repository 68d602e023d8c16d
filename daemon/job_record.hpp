// SPDX-License-Identifier: MIT
// What the edge keeps of a job: its payload, and where its events go. What becomes of the job is
// the core's affair.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/messages.hpp"
#include "common/unique_fd.hpp"
#include "daemon/core/event.hpp"
#include "jobmill/bytes.hpp"
#include "jobmill/ids.hpp"
#include "jobmill/job_state.hpp"

namespace jobmill::daemon {

/// A payload that somebody has to keep: small ones in memory, large ones in a blob.
struct Payload {
    Bytes bytes;
    UniqueFd blob;
    std::uint64_t size = 0;

    [[nodiscard]] static Payload copy(ByteView view)
    {
        return {Bytes{view.begin(), view.end()}, UniqueFd{}, view.size()};
    }
};

/// Whose job it is.
struct Submitter {
    SessionId session{};
    unsigned uid = 0;
};

/// A submit that is whole and judged.
struct Submission {
    PoolId pool{};
    std::uint16_t handler = 0;
    std::string label;
    Bytes args;
    Payload payload;
    bool detached = false;
    bool want_started = false;
    bool want_progress = false;
};

/// What a worker said at the end of a job.
struct Outcome {
    Payload payload;
    Cause cause;
    std::uint64_t run_ns = 0;
};

struct JobRecord {
    JobId id{};
    SessionId session{};  ///< that submitted it
    Tag tag{};            ///< in that session
    unsigned uid = 0;
    Submission submission;
    core::TimePoint submitted;
    core::TimePoint offered;
    std::uint64_t progress_version = 0;  ///< of the last progress that was sent
    Outcome outcome;
    std::vector<std::uint64_t> cancel_watches;  ///< requests that wait for its end
};

}  // namespace jobmill::daemon
