// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/crash_storm.hpp"
#include "daemon/core/deadlines.hpp"
#include "daemon/core/dispatcher.hpp"
#include "daemon/core/open_workers.hpp"
#include "daemon/core/turn.hpp"

namespace jobmill::core {

/// Templates and worker processes: what state each is in, when patience with it ends, when an empty
/// slot is refilled, and whom to offer the next job. Knows no job but how many a worker holds.
class Workforce {
public:
    explicit Workforce(const Patience& patience) : patience_(patience) {}

    void add_pool(const PoolAdded& pool, Turn& turn);
    /// Who is too many finishes what it holds and leaves; those who hold nothing go first.
    void resize(PoolId pool, std::uint32_t workers, Turn& turn);
    void adjust(PoolId pool, const PoolTerms& terms, Turn& turn);
    /// So many of its workers only wait: the pool may have as many more.
    void lend(PoolId pool, std::uint32_t slots, Turn& turn);
    /// Whether the pool may have more workers than it keeps without work.
    [[nodiscard]] bool grows(PoolId pool) const;
    /// Whether it has fewer now.
    [[nodiscard]] bool has_vacancy(PoolId pool) const;
    /// So many jobs wait and nobody is free: fetches workers that a pool which grows does without
    /// otherwise.
    void call_up(PoolId pool, std::size_t jobs, Turn& turn);
    /// Whether jobs of a pool that retires wait for a worker: else a template that it loses is not
    /// started again.
    void need_template(PoolId pool, bool needed, Turn& turn);
    /// Sees a pool without jobs to its end, a step each time; true once nothing is left of it.
    bool dissolve(PoolId pool, Turn& turn);
    /// False when nobody had asked for it.
    bool template_ready(PoolId pool, Turn& turn);
    bool template_lost(PoolId pool, Turn& turn);
    bool template_silent(PoolId pool, Turn& turn);

    /// The only way to another state. Does what belongs to the process and returns the action, of
    /// which the caller does what belongs to jobs; none as well when the word changes nothing.
    WorkerAction step(WorkerSlot& slot, WorkerWord word, Turn& turn);
    /// The process was reaped. `blameless`: it died of a limit that its job had asked for.
    WorkerAction exited(WorkerSlot& slot, bool blameless, Turn& turn);
    /// It goes for what it did itself.
    void misbehaved(WorkerSlot& slot, Turn& turn);
    /// It has served for long: it goes when its replacement is ready, or, if it cannot serve any
    /// more and others are replaced just now, before.
    void wear(WorkerSlot& slot, Turn& turn);
    /// It has completed a job, and load_changed() comes next.
    void completed_one(WorkerSlot& slot, Turn& turn);
    /// A job was offered to it.
    void offered_one(const WorkerSlot& slot, Turn& turn);
    /// The slot holds other jobs than before.
    void load_changed(WorkerSlot& slot);
    /// The time that `deadlines()` had for a pool or slot has come. Returns who is condemned by it,
    /// so that its jobs are judged; null in all other cases.
    WorkerSlot* deadline_passed(DeadlineKey key, Turn& turn);

    /// Nobody is hired any more, and whoever is without work is dismissed, now and later.
    void close(Turn& turn);
    /// Every process is killed, now and later.
    void kill_all(Turn& turn);

    [[nodiscard]] const PoolTerms& terms(PoolId pool) { return crew_of(pool).terms; }
    void suspend(PoolId pool, bool suspended) { crew_of(pool).suspended = suspended; }
    /// Whether the pool is not suspended, and not degraded, or a probe is due.
    [[nodiscard]] bool may_offer(PoolId pool)
    {
        const Crew& crew = crew_of(pool);
        return !crew.suspended && crew.storm.may_offer();
    }

    [[nodiscard]] WorkerSlots& slots() { return slots_; }
    [[nodiscard]] const WorkerSlots& slots() const { return slots_; }
    [[nodiscard]] Deadlines& deadlines() { return deadlines_; }
    /// Whom to offer the pool's next job; none when all are full.
    [[nodiscard]] WorkerSlot* least_loaded(PoolId pool);
    /// To whom one was offered last, if it has some and takes more; null otherwise.
    [[nodiscard]] WorkerSlot* offered_last(PoolId pool);
    /// It has as much work as it may have before it, however few jobs: none for it until it holds
    /// others than now.
    void mark_full(WorkerSlot& slot);
    /// Of those that take jobs, full ones included, one that holds most.
    [[nodiscard]] WorkerSlot* most_loaded(PoolId pool);
    /// How many workers it should have, without those that are lent.
    [[nodiscard]] std::uint32_t size(PoolId pool) { return crew_of(pool).workers; }
    /// Slots that are not empty.
    [[nodiscard]] std::uint32_t filled() const { return filled_; }
    /// Fills in the members that are about workers.
    void count(PoolId pool, PoolCounts& counts) const;

    template <typename Visitor>
    void each_slot(Visitor visit)
    {
        for (const Crew& crew : crews_) {
            for (const SlotId slot : crew.slots) {
                visit(slots_[slot]);
            }
        }
    }
    template <typename Visitor>
    void each_slot_of(PoolId pool, Visitor visit)
    {
        for (const SlotId slot : crew_of(pool).slots) {
            visit(slots_[slot]);
        }
    }

private:
    enum class TemplateState : std::uint8_t { absent, starting, ready, dismissed, killed };
    enum class Hiring : std::uint8_t { open, closed, killing };

    /// The workers of one pool and the template that forks them.
    struct Crew {
        PoolId pool{};
        PoolTerms terms;
        std::uint32_t workers = 0;  ///< that it should have, without those that are lent
        std::uint32_t lent = 0;
        std::vector<SlotId> slots;
        CrashStorm storm;
        bool suspended = false;
        bool dissolving = false;
        bool does_without = false;  ///< nobody is to be forked for it
        TemplateState template_state = TemplateState::absent;
        std::uint32_t unready_starts = 0;  ///< of the template, since it was last ready
        std::uint64_t restarts = 0;
        std::uint32_t depth = 1;
        OpenWorkers open{0};
        SlotId offered_last = no_slot;
    };

    [[nodiscard]] Crew& crew_of(PoolId pool);
    void start_template(Crew& crew, Turn& turn);
    void kill_template(Crew& crew, Turn& turn);
    [[nodiscard]] std::uint32_t places(const Crew& crew) const;
    [[nodiscard]] std::vector<SlotId> by_use(const Crew& crew) const;
    /// As many slots are wanted as the pool should have, those in use first.
    void staff(Crew& crew, Turn& turn);
    void dismiss_surplus(WorkerSlot& slot, Turn& turn);
    /// Whether the slot is one of those that make up the pool's size.
    [[nodiscard]] static bool wanted(const WorkerSlot& slot);
    [[nodiscard]] std::uint32_t staffed(const Crew& crew) const;
    /// Whether one who is idle may go: so many others stay.
    [[nodiscard]] bool can_spare_one(const Crew& crew) const;
    [[nodiscard]] static std::uint32_t least(const Crew& crew);
    void replace_worn(Crew& crew, Turn& turn);
    SlotId appoint(Crew& crew, Turn& turn);
    /// Whether its process may run no other job.
    [[nodiscard]] static bool used_up(const Crew& crew, const WorkerSlot& slot)
    {
        return slot.jobs_done >= crew.terms.recycle_jobs;
    }
    void relieve(WorkerSlot& slot, Turn& turn);
    void hand_over(WorkerSlot& slot);
    void rest(WorkerSlot& slot, Turn& turn);
    void hire(WorkerSlot& slot, Turn& turn);
    void fill(WorkerSlot& slot, Turn& turn);
    void act(WorkerSlot& slot, WorkerAction action, Turn& turn);
    void wait(const WorkerSlot& slot, Duration patience, Turn& turn);
    void stop_hiring(Hiring hiring, WorkerWord word, Turn& turn);
    void vacate(WorkerSlot& slot, Turn& turn);
    void account(WorkerSlot& slot, const WorkerRow& row);

    Patience patience_;
    Hiring hiring_ = Hiring::open;
    std::vector<Crew> crews_;  ///< by pool number; one without slots is no pool
    WorkerSlots slots_;
    Deadlines deadlines_;
    std::uint32_t filled_ = 0;
};

}  // namespace jobmill::core
