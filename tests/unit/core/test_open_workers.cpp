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
