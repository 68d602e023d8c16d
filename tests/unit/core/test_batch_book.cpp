// SPDX-License-Identifier: MIT
#include <vector>

#include <doctest/doctest.h>

#include "daemon/core/batch_book.hpp"

using namespace jobmill;
using namespace jobmill::core;

namespace {

constexpr BatchId batch{1};

struct Fixture {
    JobTable jobs;
    BatchBook batches;
    std::uint64_t last = 0;

    void open(const HaltRule& rule) { batches.open({.batch = batch, .halt = rule}); }
    JobHandle add(BatchId to = batch)
    {
        Job job;
        job.id = JobId{++last};
        const JobHandle handle = jobs.add(job);
        batches.add(jobs, handle, to);
        return handle;
    }
    void end(JobHandle handle, JobState state)
    {
        batches.ended(jobs, handle, state);
        jobs.remove(handle);
    }
    void end_new(JobState state, int times = 1)
    {
        for (int i = 0; i < times; ++i) {
            end(add(), state);
        }
    }
    BatchCounts counts() { return batches.counts(batch); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a batch counts how its jobs ended")
{
    open({});
    end_new(JobState::succeeded, 2);
    end_new(JobState::failed);
    end_new(JobState::crashed);
    end_new(JobState::timed_out);
    end_new(JobState::expired);
    end_new(JobState::cancelled, 3);
    add();
    CHECK(counts().submitted == 10);
    CHECK(counts().succeeded == 2);
    CHECK(counts().failed == 4);
    CHECK(counts().cancelled == 3);
    CHECK_FALSE(counts().halted);
}

TEST_CASE_FIXTURE(Fixture, "a batch counts its jobs as they go from stage to stage")
{
    open({});
    const auto count = [&] {
        return std::vector{counts().waiting, counts().queued, counts().running};
    };
    const auto to = [&](JobHandle handle, JobStage stage) {
        batches.moves(jobs, handle, stage);
        jobs[handle].stage = stage;
    };
    const JobHandle one = add();
    const JobHandle other = add();
    const JobHandle stranger = add(BatchId{});
    CHECK(count() == std::vector<std::uint64_t>{0, 2, 0});
    to(one, JobStage::waiting);
    to(stranger, JobStage::waiting);
    CHECK(count() == std::vector<std::uint64_t>{1, 1, 0});
    to(other, JobStage::offered);
    to(other, JobStage::claimed);
    CHECK(count() == std::vector<std::uint64_t>{1, 0, 1});
    to(one, JobStage::queued);
    end(other, JobState::failed);
    CHECK(count() == std::vector<std::uint64_t>{0, 1, 0});
    end(one, JobState::cancelled);
    CHECK(count() == std::vector<std::uint64_t>{0, 0, 0});
}

TEST_CASE_FIXTURE(Fixture, "a batch gives up at its number of failures, and says so once")
{
    open({.now = true, .fail = 2});
    add();
    end_new(JobState::failed);
    CHECK(number(batches.begin_halt()) == 0);
    end_new(JobState::expired);
    CHECK(batches.halted(batch));
    CHECK(batches.halts_now(batch));
    CHECK(batches.begin_halt() == batch);
    CHECK(number(batches.begin_halt()) == 0);
    end_new(JobState::failed);
    CHECK(number(batches.begin_halt()) == 0);
}

TEST_CASE_FIXTURE(Fixture, "cancelled jobs do not count as failures")
{
    open({.fail = 1});
    end_new(JobState::cancelled, 5);
    end_new(JobState::succeeded, 5);
    CHECK_FALSE(batches.halted(batch));
}

TEST_CASE_FIXTURE(Fixture, "a rule of no failures never comes true")
{
    open({.percent = true, .fail = 0});
    end_new(JobState::failed, 9);
    CHECK_FALSE(batches.halted(batch));
}

TEST_CASE_FIXTURE(Fixture, "a share says nothing before the third failure")
{
    open({.percent = true, .fail = 10});
    end_new(JobState::failed, 2);
    CHECK_FALSE(batches.halted(batch));
    end_new(JobState::failed);
    CHECK(batches.halted(batch));
}

TEST_CASE_FIXTURE(Fixture, "a share is that of the jobs which were not cancelled")
{
    open({.percent = true, .fail = 10});
    end_new(JobState::succeeded, 28);
    end_new(JobState::cancelled, 50);
    end_new(JobState::failed, 3);
    CHECK_FALSE(batches.halted(batch));  // 3 of 31
    end_new(JobState::failed);
    CHECK(batches.halted(batch));  // 4 of 32
}

TEST_CASE_FIXTURE(Fixture, "the rest of a batch that gives up is gone through once")
{
    open({.fail = 1});
    const JobHandle first = add();
    const JobHandle second = add();
    const JobHandle third = add();
    CHECK(number(batches.halting()) == 0);
    CHECK_FALSE(batches.settling(batch));
    end(first, JobState::failed);
    CHECK_FALSE(batches.settling(batch));
    CHECK(batches.begin_halt() == batch);
    CHECK(batches.halting() == batch);
    CHECK(batches.settling(batch));
    CHECK_FALSE(batches.settling(BatchId{7}));
    CHECK(batches.next_to_halt(jobs) == second);
    CHECK(batches.next_to_halt(jobs) == third);
    CHECK(batches.next_to_halt(jobs) == no_job);
    batches.end_halt();
    CHECK(number(batches.halting()) == 0);
    CHECK_FALSE(batches.settling(batch));
}

TEST_CASE_FIXTURE(Fixture, "jobs that end while their batch gives up do no harm")
{
    open({.fail = 1});
    const JobHandle first = add();
    const JobHandle second = add();
    const JobHandle third = add();
    batches.close(batch);
    end(first, JobState::failed);
    CHECK(batches.begin_halt() == batch);
    CHECK(batches.next_to_halt(jobs) == second);
    end(third, JobState::cancelled);
    CHECK(batches.next_to_halt(jobs) == second);
    end(second, JobState::cancelled);
    CHECK(batches.next_to_halt(jobs) == no_job);
    batches.end_halt();
    CHECK_FALSE(batches.halted(batch));
}

TEST_CASE_FIXTURE(Fixture, "a closed batch is forgotten after its last job")
{
    open({.fail = 9});
    const JobHandle only = add();
    batches.close(batch);
    CHECK(counts().submitted == 1);
    end(only, JobState::succeeded);
    CHECK(counts().submitted == 0);
}

TEST_CASE_FIXTURE(Fixture, "a closed batch that gives up with its last job still says so")
{
    open({.fail = 1});
    const JobHandle only = add();
    batches.close(batch);
    end(only, JobState::failed);
    CHECK(batches.begin_halt() == batch);
    CHECK(batches.next_to_halt(jobs) == no_job);
    batches.end_halt();
    CHECK_FALSE(batches.halted(batch));
    batches.close(batch);  // of one that is gone: nothing happens
}

TEST_CASE_FIXTURE(Fixture,
                  "a closed batch whose last job ends after the one that it gives up for says so")
{
    open({.fail = 1});
    const JobHandle first = add();
    const JobHandle other = add();
    batches.close(batch);
    end(first, JobState::expired);
    end(other, JobState::expired);
    CHECK(batches.begin_halt() == batch);
    CHECK(batches.next_to_halt(jobs) == no_job);
    batches.end_halt();
    CHECK_FALSE(batches.halted(batch));
}

TEST_CASE_FIXTURE(Fixture, "a job of no batch, or of an unknown one, has none")
{
    const JobHandle none = add(BatchId{});
    const JobHandle unknown = add(BatchId{7});
    CHECK(number(jobs.extras(unknown).batch) == 0);
    end(none, JobState::failed);
    end(unknown, JobState::failed);
    CHECK(number(batches.begin_halt()) == 0);
}
