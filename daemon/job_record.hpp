// SPDX-License-Identifier: MIT
// What the edge keeps of a job: its payload, and where its events go. What becomes of the job is
// the core's affair.
#pragma once

#include <cstdint>
#include <memory>

#include "common/messages.hpp"
#include "common/unique_fd.hpp"
#include "daemon/core/event.hpp"
#include "daemon/few_bytes.hpp"
#include "daemon/job_ask.hpp"
#include "daemon/job_content.hpp"
#include "daemon/job_defaults.hpp"
#include "jobmill/bytes.hpp"
#include "jobmill/ids.hpp"
#include "jobmill/job_state.hpp"

namespace jobmill::daemon {

/// A payload that somebody has to keep: small ones in memory, large ones in a blob.
struct Payload {
    FewBytes bytes;
    UniqueFd blob;
    std::uint64_t size = 0;
    WorkerId worker{};  ///< that has sent the blob

    [[nodiscard]] static Payload copy(ByteView view)
    {
        return {FewBytes{view}, UniqueFd{}, view.size()};
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
    bool detached = false;
    bool want_started = false;
    bool want_progress = false;
    bool is_put = false;  ///< no job at all: a payload for jobs to come
    JobContent content;
    std::unique_ptr<JobAsk> ask;  ///< null: as its pool does by default
};

/// What a worker said at the end of a job.
struct Outcome {
    Payload payload;
    Rarely<Cause> cause;
    std::uint64_t run_ns = 0;
    Usage usage;
};

/// There may be a million of these. What few jobs have at a time stands elsewhere: with the desk's
/// outcomes and watches, in UnreadJobs.
struct JobRecord {
    JobId id{};
    SessionId session{};  ///< that submitted it
    Tag tag{};            ///< in that session
    unsigned uid = 0;
    DefaultsId defaults = no_defaults;  ///< if it asked for nothing when it was submitted
    Submission submission;
    core::TimePoint submitted;
};
static_assert(sizeof(JobRecord) <= 80, "a long queue pays for this a million times");

}  // namespace jobmill::daemon
