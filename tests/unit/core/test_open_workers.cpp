// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/core/open_workers.hpp"

using namespace jobmill;
using namespace jobmill::core;

namespace {

struct Fixture {
    JobTable jobs;
    WorkerSlots slots;
    OpenWorkers open{3};
    std::uint64_t last = 0;

    Fixture()
    {
        for (std::uint32_t i = 1; i <= 3; ++i) {
            open.file(slots, slots[slots.take(PoolId{0})], true);
        }
    }
    /// One more job for that worker.
    void load(SlotId slot)
    {
        Job job;
        job.id = JobId{++last};
        slots[slot].held.push_back(jobs, jobs.add(job));
        open.file(slots, slots[slot], true);
    }
    /// It has done its only job, or that was taken back.
    void relieve(SlotId slot, bool did_it = true)
    {
        slots[slot].held.remove(jobs, slots[slot].held.first());
        slots[slot].newest_finished = Sequence{1};
        slots[slot].next_sequence = Sequence{did_it ? 2U : 3U};
        open.file(slots, slots[slot], true);
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "workers that hold equally many jobs take turns")
{
    for (const std::uint32_t expected : {1U, 2U, 3U, 1U, 2U, 3U}) {
        const SlotId next = open.least_loaded();
        CHECK(next == SlotId{expected});
        load(next);
    }
}

TEST_CASE_FIXTURE(Fixture, "of the idle the last to have worked comes first")
{
    for (const std::uint32_t slot : {1U, 3U, 2U}) {
        load(SlotId{slot});
    }
    for (const std::uint32_t slot : {3U, 1U, 2U}) {
        relieve(SlotId{slot});
        CHECK(open.least_loaded() == SlotId{slot});
    }
    for (const std::uint32_t expected : {2U, 1U, 3U}) {
        CHECK(open.least_loaded() == SlotId{expected});
        load(SlotId{expected});
    }
}

TEST_CASE_FIXTURE(Fixture, "who has not done what it was given comes last of the idle")
{
    load(SlotId{1});
    relieve(SlotId{1}, false);
    for (const std::uint32_t expected : {2U, 3U, 1U}) {
        CHECK(open.least_loaded() == SlotId{expected});
        load(SlotId{expected});
    }
}

TEST_CASE_FIXTURE(Fixture, "the worker that holds fewest comes first")
{
    load(SlotId{1});
    load(SlotId{2});
    load(SlotId{3});
    load(SlotId{1});
    load(SlotId{2});
    CHECK(open.least_loaded() == SlotId{3});
    load(SlotId{2});
    CHECK(open.most_loaded() == SlotId{2});
}

TEST_CASE("where nobody is open there is neither a poorest nor a richest")
{
    const OpenWorkers none{256};
    CHECK(none.least_loaded() == no_slot);
    CHECK(none.most_loaded() == no_slot);
}

TEST_CASE_FIXTURE(Fixture, "a full worker and a closed one are not there")
{
    for (int i = 0; i < 3; ++i) {
        load(SlotId{1});
    }
    open.file(slots, slots[SlotId{2}], false);
    open.file(slots, slots[SlotId{3}], false);
    CHECK(open.least_loaded() == no_slot);
    CHECK(open.most_loaded() == SlotId{1});
    open.file(slots, slots[SlotId{2}], true);
    CHECK(open.least_loaded() == SlotId{2});
}
