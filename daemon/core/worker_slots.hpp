// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <vector>

#include "daemon/core/job_list.hpp"
#include "daemon/core/planted_bug.hpp"
#include "daemon/core/terms.hpp"
#include "daemon/core/worker_lifecycle.hpp"
#include "jobmill/ids.hpp"

namespace jobmill::core {

inline constexpr SlotId no_slot{0};

/// A numbered place, and the process that fills it now or filled it last.
struct WorkerSlot {
    WorkerId worker{};  ///< generation 0 before the first process was asked for
    PoolId pool{};
    WorkerState state = WorkerState::gone;
    HeldJobs held;
    std::vector<JobHandle> held_at;  ///< the same by their claims; no_job where there is none
    Sequence next_sequence{1};
    Sequence newest_finished{};
    Sequence oldest_held{};           ///< of `held`, when there is one
    Sequence listened{};              ///< its words were collected while that was the oldest
    Sequence overdue{};               ///< while that is the oldest, it is to hold nothing besides
    std::uint32_t unready_forks = 0;  ///< asked for since the last hello
    std::uint32_t processes = 0;      ///< that existed so far
    bool in_use = false;              ///< it belongs to `pool`
    bool surplus = false;             ///< the pool has too many: not filled again, leaves when idle
    bool worn = false;                ///< its process has served for long: it is to be replaced
    bool spoilt = false;              ///< what its process runs is the last that it runs
    bool hung = false;                ///< it was said to show no sign of life since then
    bool faulty = false;              ///< its process is killed for what it did itself
    bool notes_stack = false;         ///< its job was asked where it is, before it is ended
    bool limited = false;             ///< its process died of a limit of the job that it ran
    bool closed = false;  ///< a job that it holds tolerates no other beside it, or no more others
    std::uint32_t jobs_done = 0;     ///< by its process
    std::uint32_t lending = 0;       ///< of the jobs that it holds, so many wait for their own
    TimePoint born{};                ///< when its process said hello
    TimePoint stop_by{};             ///< what it was flagged for ends by then, or it does
    Duration work_ahead{};           ///< so long it has work for, by what its jobs took lately
    std::uint32_t bulk = 0;          ///< of the jobs that it holds, together
    Duration let_wait{};             ///< so long jobs waited for it since it last did something
    SlotId stands_in_for = no_slot;  ///< the worn one that leaves when this one is ready

    /// Its place in OpenWorkers: under how many held jobs it is filed, and its neighbours there.
    std::uint32_t filed_under = not_filed;
    SlotId previous = no_slot;
    SlotId next = no_slot;

    static constexpr std::uint32_t not_filed = UINT32_MAX;

    /// A sequence's claim word is shared with every 256th after it. It must not be written anew
    /// while the older job is held: after revokes in the middle that can happen at any depth.
    [[nodiscard]] bool has_free_claim() const
    {
        return held.empty() || JOBMILL_BUG(21) ||
               number(next_sequence) - number(oldest_held) < claim_words;
    }
    static constexpr std::uint64_t claim_words = 256;

    /// Its process has ended what it was given last, and is awake: none of that was taken back.
    [[nodiscard]] bool has_ended_all() const
    {
        return newest_finished != Sequence{} &&
               number(newest_finished) + 1 == number(next_sequence);
    }
    /// What it runs takes so long that nothing should stand behind it.
    [[nodiscard]] bool overruns() const { return !held.empty() && oldest_held == overdue; }
};

/// The slots of all pools, by number from 1.
class WorkerSlots {
public:
    WorkerSlots() { slots_.push_back(std::make_unique<WorkerSlot>()); }
    /// The lowest number that no pool uses. Its generations go on where another pool left them.
    SlotId take(PoolId pool);
    /// Only an empty one.
    void release(SlotId slot);
    [[nodiscard]] bool contains(SlotId slot) const;
    [[nodiscard]] WorkerSlot& operator[](SlotId slot) { return *slots_[number(slot)]; }
    [[nodiscard]] const WorkerSlot& operator[](SlotId slot) const { return *slots_[number(slot)]; }
    /// The slot if that very process fills it or filled it last, else none.
    [[nodiscard]] WorkerSlot* find(WorkerId worker);

private:
    std::vector<std::unique_ptr<WorkerSlot>> slots_;  ///< [0] is no slot
};

}  // namespace jobmill::core
