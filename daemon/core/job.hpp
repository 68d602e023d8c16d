// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "daemon/core/job_lifecycle.hpp"
#include "daemon/core/terms.hpp"
#include "jobmill/ids.hpp"

namespace jobmill::core {

/// Where the JobTable keeps a job; good until the job is removed.
enum class JobHandle : std::uint32_t {};
inline constexpr JobHandle no_job{UINT32_MAX};

/// Neighbours in a JobList.
struct JobLinks {
    JobHandle previous = no_job;
    JobHandle next = no_job;
};

/// Where a job's deadline is in JobDeadlines. Of one that is near: its place in their order, plus
/// one. Of one that is far: its neighbours in a list.
struct JobAlarm {
    std::uint32_t place = 0;
    JobHandle next = no_job;
};

/// Where a TermsBook keeps the terms that jobs share.
enum class TermsHandle : std::uint32_t {};
/// Where a JobBook keeps a Holding.
enum class HoldingHandle : std::uint32_t {};
/// A lane of a JobQueue.
enum class LaneId : std::uint32_t {};

/// What is known of a job only while a worker holds it, as of few in a long queue.
struct Holding {
    WorkerId worker{};
    Sequence sequence{};        ///< under which that worker holds it
    TimePoint offered{};        ///< to that worker
    TimePoint started = never;  ///< when it came to the front there
    Duration charged{};         ///< to its user's share, for what it is expected to take
    Duration expected{};        ///< so long it will run, by the last ones of its handler
};

/// A worker is not sent more ahead than its link takes at once: what the daemon would have to keep
/// could not be taken back from it, only sent a second time.
inline constexpr std::uint32_t bulk_unit = 512;
inline constexpr std::uint32_t most_bulk = 128 * 1024 / bulk_unit;

/// What few jobs have: those that belong to others, and those that are tried again.
struct JobExtras {
    JobId parent{};  ///< that waits for it; 0: none
    BatchId batch{};
    JobLinks fellow;             ///< in its batch's list
    std::uint32_t children = 0;  ///< unfinished jobs that it has submitted
    std::uint16_t attempt = 1;
    std::uint16_t crashes = 0;
};
/// Where the JobTable keeps a job's.
enum class ExtrasHandle : std::uint32_t {};
inline constexpr ExtrasHandle no_extras{UINT32_MAX};

/// A job that has not ended. It is in exactly one place: it waits, or it is in its pool's queue, or
/// among the jobs that a worker holds; one pair of links serves the last two, so that it cannot be
/// in both.
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): of `due` and `arrival` there is one
struct Job {
    JobId id{};
    LaneId lane{};  ///< of its pool's queue: whose it is, and its label
    TermsHandle terms{};
    PoolId pool{};
    std::uint16_t handler = 0;
    JobStage stage = JobStage::queued;
    EndedBy why = EndedBy::cancel;  ///< it is cancelled, or its time is over
    bool attached : 1 = true;       ///< it ends with its session, and is in that session's list
    bool poison : 1 = false;        ///< it has crashed so many workers that it gets no other
    bool paused : 1 = false;        ///< it waits for its reader
    bool lends : 1 = false;         ///< it waits, and its pool has a slot more meanwhile
    bool waited : 1 = false;        ///< it has lent its place to others in this attempt
    std::uint8_t bulk = 0;          ///< what its worker is sent for it takes, in `bulk_unit`s
    ExtrasHandle extras = no_extras;
    HoldingHandle holding{};  ///< good while a worker holds it
    union {
        TimePoint due{};        ///< while it waits: when it joins the queue
        std::uint64_t arrival;  ///< from then on: its turn there; kept when it comes back
    };
    TimePoint expires = never;  ///< unless it has begun
    JobAlarm alarm;
    JobLinks place;
    JobLinks kin;  ///< in its session's list
};
static_assert(sizeof(Job) <= 72, "a long queue pays for this a million times");

}  // namespace jobmill::core
