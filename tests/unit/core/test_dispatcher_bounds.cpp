// SPDX-License-Identifier: MIT
// What bounds how many jobs run at once: pools, labels, all together, memory, storms of deaths.
#include <doctest/doctest.h>

#include "tests/support/conversation.hpp"

using namespace jobmill;
using namespace jobmill::core;

namespace {

constexpr LabelId red{1};
constexpr LabelId blue{2};
constexpr PoolId other{1};

struct Fixture : Conversation {
    /// Pool 0 with two workers and pool 1 with as many, in slots 3 and 4.
    void serve_two_pools(const PoolTerms& second = {})
    {
        serve(2);
        on(PoolAdded{.pool = other, .workers = 2, .terms = second});
        on(TemplateReady{.pool = other});
        on(WorkerReady{.worker = worker(3)});
        on(WorkerReady{.worker = worker(4)});
    }
    Effects submit_other(std::uint64_t job)
    {
        return on(JobSubmitted{.job = JobId{job}, .session = SessionId{1}, .pool = other});
    }
    /// Keeps the offer among them.
    void take(const Effects& effects)
    {
        for (const Effect& effect : effects) {
            if (const auto* offer = std::get_if<OfferJob>(&effect)) {
                offered = *offer;
            }
        }
    }
    /// The only worker of pool 0 dies so often, each time as soon as it is ready.
    Effects die(std::uint32_t from, std::uint32_t times)
    {
        Effects last;
        for (std::uint32_t generation = from; generation < from + times; ++generation) {
            on(WorkerReady{.worker = worker(1, generation)});
            last = exit(worker(1, generation));
        }
        return last;
    }

    std::optional<OfferJob> offered;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "a pool runs no more jobs at once than it may, however many workers it has")
{
    serve(2, 1, {.max_running = 1});
    submit(1);
    CHECK(submit(2).empty());
    CHECK(finish(worker(1), 1).back() == Effect{offer(worker(1), 2, 2)});
}

TEST_CASE_FIXTURE(Fixture, "a pool that may run more begins more at once")
{
    serve(2, 1, {.max_running = 1});
    submit(1);
    submit(2);
    CHECK(on(PoolAdjusted{.pool = pool}) == Effects{offer(worker(2), 1, 2)});
}

TEST_CASE_FIXTURE(Fixture, "all pools together run no more jobs at once than they may")
{
    serve_two_pools();
    on(CapAdjusted{.max_running = 2});
    submit(1);
    submit_other(2);
    CHECK(submit(3).empty());
    CHECK(submit_other(4).empty());
    CHECK(on(CapAdjusted{.max_running = 3}).size() == 1);
    CHECK(on(CapAdjusted{}).size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a place that is free in one pool may go to the job of another")
{
    serve_two_pools();
    on(CapAdjusted{.max_running = 1});
    submit(1);
    CHECK(submit_other(2).empty());
    CHECK(finish(worker(1), 1).back() == Effect{offer(worker(3), 1, 2)});
}

TEST_CASE_FIXTURE(Fixture, "pools that compete are served by their weights")
{
    serve_two_pools({.weight = 300});
    on(CapAdjusted{.max_running = 1});
    for (std::uint64_t job = 1; job <= 40; ++job) {
        take(submit(job));
        submit_other(100 + job);
    }
    int heavy = 0;
    for (std::uint64_t finished = 0; finished < 40; ++finished) {
        const OfferJob running = *offered;
        heavy += number(running.job) > 100 ? 1 : 0;
        take(on(JobFinished{
            .worker = running.worker, .sequence = running.sequence, .cpu = milliseconds{1}}));
    }
    CHECK(heavy >= 29);
    CHECK(heavy <= 31);
}

TEST_CASE_FIXTURE(Fixture, "a label has no more jobs running than it may, and others pass it")
{
    serve(3);
    on(LabelAdjusted{.label = red, .max_running = 1});
    submit(1, red);
    CHECK(dispatcher.running(red) == 1);
    CHECK(submit(2, red).empty());
    CHECK(submit(3, blue) == Effects{offer(worker(2), 1, 3)});
    CHECK(finish(worker(1), 1).back() == Effect{offer(worker(1), 2, 2)});
    CHECK(dispatcher.running(red) == 1);
    CHECK(dispatcher.running(LabelId{9}) == 0);
}

TEST_CASE_FIXTURE(Fixture, "a label that may run more begins more at once")
{
    serve(3);
    on(LabelAdjusted{.label = red, .max_running = 1});
    submit(1, red);
    submit(2, red);
    CHECK(on(LabelAdjusted{.label = red}) == Effects{offer(worker(2), 1, 2)});
}

TEST_CASE_FIXTURE(Fixture,
                  "a job that waits for its turn can get another label, and begins by its rules")
{
    serve(2);
    on(LabelAdjusted{.label = red, .max_running = 1});
    submit(1, red);
    submit(2, red);
    CHECK(on(JobRelabelled{.job = JobId{2}, .label = blue}) == Effects{offer(worker(2), 1, 2)});
    CHECK(dispatcher.running(blue) == 1);
}

TEST_CASE_FIXTURE(Fixture, "a delayed job can get another label, and waits by its rules later")
{
    serve(2);
    on(LabelAdjusted{.label = red, .max_running = 1});
    submit(1, red);
    submit(2, {.delay = seconds{1}});
    on(JobRelabelled{.job = JobId{2}, .label = red});
    on(JobRelabelled{.job = JobId{77}, .label = blue});
    CHECK(dispatcher.running(red) == 1);
    CHECK(after(seconds{1}).empty());
}

TEST_CASE_FIXTURE(Fixture, "a job that runs counts at once for the label that it gets")
{
    serve(3);
    submit(1);
    submit(2);
    on(JobRelabelled{.job = JobId{1}, .label = red});
    on(JobRelabelled{.job = JobId{2}, .label = red});
    on(LabelAdjusted{.label = red, .max_running = 2});
    CHECK(dispatcher.running(red) == 2);
    CHECK(submit(3, red).empty());
    CHECK(finish(worker(1), 1).back() == Effect{offer(worker(1), 2, 3)});
}

TEST_CASE_FIXTURE(Fixture, "a job that runs on under another label makes room in its old one")
{
    serve(2);
    on(LabelAdjusted{.label = red, .max_running = 1});
    submit(1, red);
    submit(2, red);
    CHECK(on(JobRelabelled{.job = JobId{1}, .label = blue}) == Effects{offer(worker(2), 1, 2)});
    CHECK(dispatcher.running(blue) == 1);
}

TEST_CASE_FIXTURE(Fixture, "the next attempt of a job has the label that it got while it ran")
{
    serve(2);
    submit(1, {.retry_failure = 1});
    on(JobRelabelled{.job = JobId{1}, .label = red});
    on(LabelAdjusted{.label = red, .max_running = 1});
    finish(worker(1), 1, JobState::failed);
    submit(2, red);
    CHECK(after(seconds{1}).empty());
    CHECK(dispatcher.state_of(JobId{1}) == JobState::queued);
    CHECK(dispatcher.running(red) == 1);
}

TEST_CASE_FIXTURE(Fixture, "a job that is taken back is queued under the label that it got")
{
    serve(1, 2);
    submit(1);
    submit(2);
    on(JobRelabelled{.job = JobId{2}, .label = red});
    on(LabelAdjusted{.label = red, .max_running = 1});
    on(WorkerMisbehaved{.worker = worker(1)});
    exit(worker(1));
    answer(worker(1), 2, true);
    CHECK(dispatcher.running(red) == 0);
    CHECK(dispatcher.state_of(JobId{2}) == JobState::queued);
}

TEST_CASE_FIXTURE(Fixture, "a label is in use as long as a job has it, wherever that is")
{
    serve(1);
    const auto used = [&](LabelId label) {
        const std::vector<bool> labels = dispatcher.labels_of_jobs();
        return number(label) < labels.size() && labels[number(label)];
    };
    CHECK_FALSE(used(red));
    submit(1, red);
    submit(2, blue);
    CHECK(used(red));
    CHECK(used(blue));
    finish(worker(1), 1);
    CHECK_FALSE(used(red));
    on(JobRelabelled{.job = JobId{2}, .label = red});
    CHECK(used(red));
    CHECK_FALSE(used(blue));
}

TEST_CASE_FIXTURE(Fixture, "nothing begins while memory is low")
{
    serve(1);
    on(MemoryJudged{.low = true});
    CHECK(dispatcher.memory_low());
    CHECK(submit(1).empty());
    CHECK(on(MemoryJudged{}) == Effects{offer(worker(1), 1, 1)});
}

TEST_CASE_FIXTURE(Fixture, "what has not begun goes back to its queue when memory runs low")
{
    serve(1, 3);
    for (const std::uint64_t job : {1U, 2U, 3U, 4U}) {
        submit(job);
    }
    CHECK(on(MemoryJudged{.low = true}) ==
          Effects{revoke(worker(1), 3), revoke(worker(1), 2), revoke(worker(1), 1)});
    CHECK(answer(worker(1), 3, true).empty());
    CHECK(answer(worker(1), 2, true).empty());
    CHECK(answer(worker(1), 1, false).empty());  // it runs, and goes on
    CHECK(dispatcher.counts(pool).queued == 3);
    CHECK(finish(worker(1), 1) ==
          Effects{ended(1, JobState::succeeded, EndedBy::worker, worker(1))});
    CHECK(on(MemoryJudged{}) ==
          Effects{offer(worker(1), 4, 2), offer(worker(1), 5, 3), offer(worker(1), 6, 4)});
}

TEST_CASE_FIXTURE(Fixture, "what comes back when memory is low no longer begins in its turn")
{
    serve(1, 2);
    for (const std::uint64_t job : {1U, 2U, 3U}) {
        submit(job);
    }
    on(MemoryJudged{.low = true});
    CHECK(on(MemoryJudged{}).empty());  // the worker still holds as many as it may
    CHECK(answer(worker(1), 2, true) == Effects{offer(worker(1), 3, 2)});
    CHECK(answer(worker(1), 1, true) == Effects{offer(worker(1), 4, 1)});
    CHECK(dispatcher.counts(pool).queued == 1);
}

TEST_CASE_FIXTURE(Fixture, "a pool whose workers die one after another is degraded")
{
    serve(1);
    CHECK(die(1, 10) == Effects{fork(worker(1, 11))});
    CHECK(die(11, 1) == Effects{PoolJudged{.pool = pool, .degraded = true}});
    CHECK(dispatcher.counts(pool).degraded);
}

TEST_CASE_FIXTURE(Fixture, "a degraded pool fills its slots and runs one job now and then")
{
    serve(1, 2);
    die(1, 11);
    submit(1);
    submit(2);
    CHECK(after(milliseconds{4999}).empty());
    CHECK(after(milliseconds{1}) == Effects{fork(worker(1, 12))});
    CHECK(on(WorkerReady{worker(1, 12)}) == Effects{offer(worker(1, 12), 1, 1)});
    exit(worker(1, 12));
    CHECK(answer(worker(1, 12), 1, false).front() ==
          Effect{ended(1, JobState::crashed, EndedBy::worker_death, worker(1, 12))});
    CHECK(after(seconds{5}) == Effects{fork(worker(1, 13))});
}

TEST_CASE_FIXTURE(Fixture, "a probe that comes to its end ends the storm, and all jobs go on")
{
    serve(1, 2);
    die(1, 11);
    submit(1);
    submit(2);
    submit(3);
    after(seconds{5});
    on(WorkerReady{worker(1, 12)});
    CHECK(finish(worker(1, 12), 1) ==
          Effects{ended(1, JobState::succeeded, EndedBy::worker, worker(1, 12)),
                  PoolJudged{.pool = pool, .degraded = false}, offer(worker(1, 12), 2, 2),
                  offer(worker(1, 12), 3, 3)});
    CHECK_FALSE(dispatcher.counts(pool).degraded);
}

TEST_CASE_FIXTURE(Fixture, "the next probe is a job of whoever has not made the storm")
{
    serve(1);
    const auto submit_as = [&](std::uint32_t user, std::uint64_t job) {
        on(JobSubmitted{
            .job = JobId{job}, .session = SessionId{user}, .pool = pool, .user = UserId{user}});
    };
    for (std::uint64_t job = 1; job <= 100; ++job) {
        submit_as(1, job);
    }
    for (std::uint32_t generation = 1; generation <= 11; ++generation) {
        after(milliseconds{1});
        exit(worker(1, generation));
        answer(worker(1, generation), 1, false);
        on(WorkerReady{worker(1, generation + 1)});
    }
    CHECK(dispatcher.counts(pool).degraded);
    submit_as(2, 101);
    after(seconds{5});
    CHECK(on(WorkerReady{worker(1, 12)}) == Effects{offer(worker(1, 12), 1, 101)});
    finish(worker(1, 12), 1);
    CHECK_FALSE(dispatcher.counts(pool).degraded);
}

TEST_CASE_FIXTURE(Fixture, "workers that die of their jobs' own limits are no storm")
{
    serve(1);
    for (std::uint32_t generation = 1; generation <= 30; ++generation) {
        submit(generation);
        on(WorkerExited{.worker = worker(1, generation), .by_limit = true});
        answer(worker(1, generation), 1, false);
        on(WorkerReady{worker(1, generation + 1)});
    }
    CHECK_FALSE(dispatcher.counts(pool).degraded);
}
