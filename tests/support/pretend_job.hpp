// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/dispatcher.hpp"

namespace jobmill::sim {

using core::BatchId;
using core::Duration;
using core::LabelId;
using core::TimePoint;
using core::UserId;

/// A job as its client must see it, and what in truth became of it.
struct PretendJob {
    enum class Place : std::uint8_t { waiting, queued, held, ended };

    JobId id{};
    SessionId session{};
    PoolId pool{};
    UserId user{};
    LabelId label{};
    std::uint16_t handler = 0;
    BatchId batch{};
    JobId parent{};  ///< that a worker held when this one was submitted; 0: none
    core::JobTerms terms;
    std::uint32_t offer_size = 0;
    bool attached = true;
    Place place = Place::queued;
    TimePoint due{};
    TimePoint expires = core::never;
    std::uint64_t arrival = 0;  ///< its turn among its like
    std::uint32_t attempt = 1;
    std::uint32_t begun_attempt = 0;  ///< the last that a worker has begun, told or not
    std::uint32_t crashes = 0;
    std::uint32_t children = 0;  ///< unfinished
    bool paused = false;         ///< its worker holds it, and it waits for its reader there
    bool lends = false;          ///< it is paused, or has submitted some of its children there
    bool waited = false;         ///< it has lent its place since it is with its worker
    std::size_t alive_at = 0;    ///< its place among those that have not ended

    WorkerId worker{};
    Sequence sequence{};
    TimePoint offered_at{};
    TimePoint front_since{};  ///< when it became the first that its worker holds

    bool cancel_asked = false;
    bool halt_asked = false;
    bool waived = false;       ///< to be cancelled unless it has begun, which is being found out
    bool known_begun = false;  ///< it could not be taken back

    [[nodiscard]] bool unassigned() const
    {
        return place == Place::waiting || place == Place::queued;
    }
    [[nodiscard]] bool unwanted() const { return cancel_asked || halt_asked; }
};

struct PretendBatch {
    core::HaltRule rule;
    core::BatchCounts counts;
    std::uint64_t unfinished = 0;
    bool closed = false;
    bool halting = false;  ///< its rule has come true, and the core has not said so yet
};

struct PretendLabel {
    std::uint32_t max_running = core::no_bound;
    std::uint32_t weight = 100;
    std::uint32_t running = 0;
    std::uint32_t lending = 0;  ///< of these
};

}  // namespace jobmill::sim
