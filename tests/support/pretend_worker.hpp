// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "tests/support/pretend_job.hpp"

namespace jobmill::sim {

/// What a worker's side does: claims, serves in order, reports, dies. Beside it, what the core has
/// been told of it and has asked for, so that the two can be compared.
struct PretendWorker {
    enum class Life : std::uint8_t { asked, running, dead };
    enum class Mark : std::uint8_t { none, offered, claimed, revoked };

    struct Claim {
        Sequence sequence{};
        Mark mark = Mark::none;
    };
    struct Offer {
        Sequence sequence{};
        JobId job{};
        std::uint32_t attempt = 1;
        Duration expected{};      ///< that it takes, by what its like took before
        bool asked_back = false;  ///< and not answered yet
    };

    WorkerId id;
    PoolId pool{};
    Life life = Life::asked;
    bool stubborn = false;    ///< heeds neither flag nor SIGTERM nor the end of its link
    bool mute = false;        ///< never says hello
    bool hostile = false;     ///< says what is not true
    bool frozen = false;      ///< does nothing at all
    bool unkillable = false;  ///< SIGKILL does not reach it
    bool hello_said = false;
    bool hello_in_link = false;
    bool died_by_limit = false;

    std::array<Claim, 256> claims{};
    std::vector<Offer> inbox;
    Sequence current{};  ///< that it runs; 0 for none
    JobId current_job{};
    TimePoint current_since{};
    std::vector<core::JobFinished> link;  ///< said, and not yet told to the core

    // What the core was told.
    bool forked_told = false;
    bool hello_told = false;
    bool exit_told = false;
    bool misbehaved = false;
    bool notes_stack = false;  ///< it was asked where its job is, before the flag was raised
    bool worn = false;         ///< it was said to be, or has served for long
    bool stuck = false;        ///< it did not begin what it got
    bool looks_dead = false;   ///< it was said to hang before it has begun anything
    TimePoint forked_at{};
    TimePoint ready_at{};
    TimePoint idle_since{};
    std::vector<Offer> held;   ///< as the core must see it
    int lending = 0;           ///< of these
    bool closed = false;       ///< a job of these was paused: it gets no other
    Sequence begun_told{};     ///< the last that it is known to have begun
    Sequence finished_told{};  ///< the last that it has finished
    Sequence hung_told{};      ///< the first that it held when it was said to hang
    Sequence deaf_told{};
    std::optional<TimePoint> deaf_at;
    Duration let_wait{};  ///< so long jobs waited for it since it last did something
    std::uint32_t jobs_done = 0;
    std::uint64_t crashes_charged = 0;
    std::uint64_t lent_in = 0;  ///< the event in which `lending` changed last

    // What the core asked for.
    std::uint64_t offers = 0;
    Sequence flagged{};
    std::optional<TimePoint> flagged_at;
    std::optional<TimePoint> terminated_at;
    std::optional<TimePoint> dismissed_at;
    std::optional<TimePoint> killed_at;
    bool condemned = false;
    Sequence listened{};  ///< its words were collected while that was at its front
    core::TimePoint listened_at{};
    bool stack_taken = false;
    bool spoilt = false;  ///< it was offered a job that spoils it

    [[nodiscard]] bool leaving() const { return terminated_at || dismissed_at || killed_at; }
    [[nodiscard]] bool open() const { return hello_told && !exit_told && !leaving(); }
    /// Nothing that it says counts any more.
    [[nodiscard]] bool over() const { return exit_told || condemned; }
    /// Another is needed in its place only when it is no more.
    [[nodiscard]] bool takes_place() const { return !condemned || exit_told; }
    /// As far as the core can know, it still runs the job that it was flagged for.
    [[nodiscard]] bool stopping_a_job() const { return holds(flagged) && begun_told <= flagged; }
    /// The edge knows its pid.
    [[nodiscard]] bool known() const { return forked_told || hello_told; }
    [[nodiscard]] const Offer* find(Sequence sequence) const
    {
        for (const Offer& offer : held) {
            if (offer.sequence == sequence) {
                return &offer;
            }
        }
        return nullptr;
    }
    [[nodiscard]] bool holds(Sequence sequence) const { return find(sequence) != nullptr; }
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
