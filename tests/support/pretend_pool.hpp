// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <map>

#include "daemon/core/pace.hpp"
#include "tests/support/pretend_worker.hpp"
#include "tests/support/served_time.hpp"
#include "tests/support/turn_order.hpp"

namespace jobmill::sim {

/// Workers of one pool, counted.
struct Muster {
    std::uint32_t present = 0;  ///< whose places are taken
    std::uint32_t staying = 0;  ///< processes, or asked for, that nobody has told to leave
    std::uint32_t worn = 0;     ///< of these
    std::uint32_t coming = 0;   ///< and that have not said hello
    std::uint32_t resting = 0;  ///< places that may stay empty for a while
    bool free = false;          ///< one could take a job
    bool idle = false;          ///< one that has none could
};

struct PretendSlot {
    PretendWorker* worker = nullptr;  ///< the last, while it is not forgotten
    std::optional<PoolId> pool;       ///< none before its first process, and after its pool's end
    std::uint32_t generation = 0;
    bool last_was_ready = false;
    TimePoint empty_since{};
    TimePoint rests_until{};  ///< not filled again before, perhaps
};

/// A pool, its template, and what the core may do there.
struct PretendPool {
    enum class Template : std::uint8_t { absent, loading, ready };

    PoolId id{};
    std::uint32_t workers = 1;  ///< that it should have
    std::uint32_t depth = 1;
    core::PoolTerms terms;
    Template state = Template::absent;
    bool told_ready = false;
    bool hung = false;  ///< the template answers nothing any more
    bool silent_told = false;
    bool killed = false;
    bool suspended = false;
    bool retired = false;
    bool gone = false;
    bool degraded = false;
    bool submits_follow = false;  ///< what is queued goes out after them
    std::optional<TimePoint> loading_since;
    std::optional<TimePoint> dismissed_at;
    std::uint64_t allowed_before = 0;  ///< workers, before the event that is handled now
    core::PoolCounts before;           ///< as the core counted then
    core::PoolCounts counts;           ///< as it counts now
    Muster muster;
    TimePoint absent_since{};
    std::uint32_t unready_losses = 0;  ///< in a row
    std::uint32_t condemned = 0;

    /// Pools, and handlers there, that have taken the places of its own.
    std::map<std::uint16_t, std::pair<PoolId, std::uint16_t>> heirs;

    TurnOrder queue;
    core::Pace pace;          ///< as the core reckons it
    WorkerId offered_last{};  ///< to whom a job was
    ServedTime served;
    std::uint64_t waiting = 0;
    std::uint64_t held = 0;
    std::uint64_t lending = 0;  ///< of those held
    std::uint64_t retried = 0;
    std::array<std::uint64_t, job_state_names.size()> ended{};

    std::deque<TimePoint> crashes;        ///< since a job came to its end by its worker's word
    std::deque<TimePoint> plain_crashes;  ///< those among them that surely are
    TimePoint degraded_at{};
    std::uint64_t probes = 0;  ///< jobs offered since then

    /// More within the time of a storm are one.
    [[nodiscard]] std::size_t most_crashes() const { return std::max(10U, 2 * workers); }
    void crashed(TimePoint now, Duration storm, bool plain, bool unasked)
    {
        for (auto* list : {&crashes, &plain_crashes}) {
            if (list == &crashes ? unasked : plain) {
                list->push_back(now);
            }
            while (!list->empty() && list->front() < now - storm) {
                list->pop_front();
            }
        }
    }
    [[nodiscard]] std::uint64_t unassigned() const { return waiting + queue.size(); }
    [[nodiscard]] std::uint64_t unfinished() const { return unassigned() + held; }
    [[nodiscard]] std::uint64_t working() const { return held - lending; }
    /// Workers that it may have, those included that make up for jobs that wait for others. Of
    /// those that do not die so many are made up for as it should have workers.
    [[nodiscard]] std::uint64_t allowed() const
    {
        const std::uint32_t lost = condemned > workers ? condemned - workers : 0;
        return workers - std::min(lost, workers) + std::min<std::uint64_t>(lending, terms.max_lent);
    }
    /// Workers that it is to have without work.
    [[nodiscard]] std::uint32_t kept() const { return std::min(workers, terms.min_workers); }
};

}  // namespace jobmill::sim
