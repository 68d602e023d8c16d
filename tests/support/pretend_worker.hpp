// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <vector>

#include "daemon/core/event.hpp"

namespace jobmill::sim {

using core::Duration;
using core::TimePoint;

/// What a worker's side does: claims, serves in order, reports, dies. Beside it, what the core has
/// been told of it and has asked for, so that the two can be compared.
struct PretendWorker {
    enum class Life : std::uint8_t { asked, running, dead, buried };
    enum class Mark : std::uint8_t { none, offered, claimed, revoked };

    struct Claim {
        Sequence sequence{};
        Mark mark = Mark::none;
    };
    struct Offer {
        Sequence sequence{};
        JobId job{};
    };

    WorkerId id;
    PoolId pool{};
    Life life = Life::asked;
    bool stubborn = false;  ///< heeds neither flag nor SIGTERM nor the end of its link
    bool mute = false;      ///< never says hello
    bool hostile = false;   ///< says what is not true

    std::array<Claim, 256> claims{};
    std::deque<Offer> inbox;
    Sequence current{};  ///< that it runs; 0 for none
    bool hello_said = false;
    bool hello_in_link = false;
    std::deque<core::JobFinished> link;  ///< said, and not yet told to the core

    // What the core was told.
    bool forked_told = false;
    bool hello_told = false;
    bool exit_told = false;
    bool misbehaved = false;
    TimePoint forked_at{};
    std::vector<Offer> held;   ///< as the core must see it
    Sequence begun_told{};     ///< the last that it is known to have begun
    Sequence finished_told{};  ///< the last that it has finished
    std::uint64_t crashes_charged = 0;

    // What the core asked for.
    std::uint64_t offers = 0;
    bool offered_since_resize = false;  ///< since its pool was given a size
    Sequence flagged{};
    std::optional<TimePoint> flagged_at;
    std::optional<TimePoint> terminated_at;
    std::optional<TimePoint> dismissed_at;
    std::optional<TimePoint> killed_at;

    [[nodiscard]] bool leaving() const { return terminated_at || dismissed_at || killed_at; }
    [[nodiscard]] bool open() const { return hello_told && !exit_told && !leaving(); }
    /// As far as the core can know, it still runs the job that it was flagged for.
    [[nodiscard]] bool stopping_a_job() const { return holds(flagged) && begun_told <= flagged; }
    /// The edge knows its pid.
    [[nodiscard]] bool known() const { return forked_told || hello_told; }
    [[nodiscard]] bool holds(Sequence sequence) const
    {
        for (const Offer& offer : held) {
            if (offer.sequence == sequence) {
                return true;
            }
        }
        return false;
    }
    [[nodiscard]] Claim& claim(Sequence sequence)
    {
        return claims.at(number(sequence) % claims.size());
    }
    [[nodiscard]] bool claimed(Sequence sequence) const
    {
        const Claim& claim = claims.at(number(sequence) % claims.size());
        return claim.sequence == sequence && claim.mark == Mark::claimed;
    }
};

}  // namespace jobmill::sim
