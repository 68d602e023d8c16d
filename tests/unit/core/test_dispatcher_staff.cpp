// SPDX-License-Identifier: MIT
// Who works in a pool: elastic pools, workers that are replaced, and workers that do not die.
#include <doctest/doctest.h>

#include "tests/support/conversation.hpp"

using namespace jobmill;
using namespace jobmill::core;

namespace {

constexpr PoolTerms elastic{.min_workers = 1, .idle_timeout = seconds{60}};

struct Fixture : Conversation {
    /// A pool of three that keeps one.
    void serve_elastic(std::uint32_t depth = 1)
    {
        on(PoolAdded{.pool = pool, .workers = 3, .depth = depth, .terms = elastic});
        on(TemplateReady{.pool = pool});
        on(WorkerReady{.worker = worker(1)});
    }
    /// That worker does not die of SIGKILL.
    Effects condemn(WorkerId which)
    {
        on(WorkerMisbehaved{.worker = which});
        return after(seconds{10});
    }
};

}  // namespace

// ---- elastic pools ------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Fixture, "an elastic pool begins with the workers that it keeps")
{
    on(PoolAdded{.pool = pool, .workers = 3, .terms = elastic});
    CHECK(on(TemplateReady{.pool = pool}) == Effects{fork(worker(1))});
}

TEST_CASE_FIXTURE(Fixture, "an elastic pool hires for jobs that wait, one for each")
{
    serve_elastic();
    submit(1);
    CHECK(submit(2) == Effects{fork(worker(2))});
    CHECK(submit(3) == Effects{fork(worker(3))});
    CHECK(submit(4).empty());
    CHECK(on(WorkerReady{worker(2)}) == Effects{offer(worker(2), 1, 2)});
}

TEST_CASE_FIXTURE(Fixture, "an elastic pool hires nobody for jobs that may not run")
{
    on(PoolAdded{.pool = pool, .workers = 4, .terms = {.min_workers = 0, .max_running = 2}});
    on(TemplateReady{.pool = pool});
    CHECK(submit(1) == Effects{fork(worker(1))});
    CHECK(submit(2) == Effects{fork(worker(2))});
    CHECK(submit(3).empty());
    on(WorkerReady{worker(1)});
    CHECK(submit(4).empty());
    on(CapAdjusted{.max_running = 3});
    CHECK(on(PoolAdjusted{.pool = pool, .terms = {.min_workers = 0}}) == Effects{fork(worker(3))});
    CHECK(on(CapAdjusted{}) == Effects{fork(worker(4))});
}

TEST_CASE_FIXTURE(Fixture, "an elastic pool hires nobody for jobs that their labels hold up")
{
    constexpr LabelId red{1};
    constexpr LabelId blue{2};
    on(PoolAdded{.pool = pool, .workers = 8, .terms = {.min_workers = 0}});
    on(TemplateReady{.pool = pool});
    on(LabelAdjusted{.label = red, .max_running = 1});
    on(LabelAdjusted{.label = blue, .max_running = 2});
    CHECK(submit(1, red) == Effects{fork(worker(1))});
    CHECK(submit(2, red).empty());
    CHECK(submit(3, blue) == Effects{fork(worker(2))});
    CHECK(submit(4, blue) == Effects{fork(worker(3))});
    CHECK(submit(5, blue).empty());
    CHECK(submit(6) == Effects{fork(worker(4))});
    on(WorkerReady{worker(1)});
    CHECK(submit(7, red).empty());
    CHECK(submit(8) == Effects{fork(worker(5))});
    CHECK(on(LabelAdjusted{.label = red, .max_running = 3}) ==
          Effects{fork(worker(6)), fork(worker(7))});
}

TEST_CASE_FIXTURE(Fixture,
                  "who is idle for long leaves an elastic pool, but for those that it keeps")
{
    serve_elastic();
    submit(1);
    submit(2);
    on(WorkerReady{worker(2)});
    finish(worker(1), 1);
    finish(worker(2), 1);
    CHECK(after(seconds{59}).empty());
    CHECK(after(seconds{1}) == Effects{DismissWorker{worker(1)}});
    CHECK(exit(worker(1)).empty());
    CHECK(after(seconds{1000}).empty());
    CHECK(dispatcher.counts(pool).workers == 1);
}

TEST_CASE_FIXTURE(Fixture, "jobs that one worker can do keep no other from leaving")
{
    serve_elastic();
    submit(1);
    submit(2);
    on(WorkerReady{worker(2)});
    finish(worker(1), 1);
    finish(worker(2), 1);
    CHECK(after(seconds{30}).empty());
    CHECK(submit(3) == Effects{offer(worker(2), 2, 3)});
    finish(worker(2), 2);
    CHECK(after(seconds{30}) == Effects{DismissWorker{worker(1)}});
}

TEST_CASE_FIXTURE(Fixture, "an idle worker stays when the others have died")
{
    serve_elastic();
    submit(1);
    submit(2);
    on(WorkerReady{worker(2)});
    finish(worker(2), 1);
    CHECK(exit(worker(1)) == Effects{revoke(worker(1), 1)});
    CHECK(answer(worker(1), 1, false).size() == 1);
    CHECK(after(seconds{60}).empty());
    CHECK(dispatcher.counts(pool).workers == 1);
}

TEST_CASE_FIXTURE(Fixture, "a pool that becomes elastic lets its idle workers go")
{
    serve(2);
    CHECK(after(seconds{1000}).empty());
    CHECK(on(PoolAdjusted{.pool = pool, .terms = elastic}).empty());
    CHECK(after(seconds{60}).size() == 1);
    CHECK(dispatcher.counts(pool).workers == 1);
}

TEST_CASE_FIXTURE(Fixture, "a pool that is elastic no more hires all its workers")
{
    serve_elastic();
    CHECK(on(PoolAdjusted{.pool = pool}) == Effects{fork(worker(2)), fork(worker(3))});
}

TEST_CASE_FIXTURE(Fixture, "idle workers stay where no idle time is set")
{
    serve(2, 1, {.min_workers = 1, .idle_timeout = forever});
    CHECK(after(seconds{1000}).empty());
}

// ---- replacement --------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Fixture, "a worker that has run its number of jobs leaves when another is ready")
{
    serve(1, 1, {.recycle_jobs = 2});
    submit(1);
    CHECK(finish(worker(1), 1).size() == 1);
    submit(2);
    CHECK(finish(worker(1), 2).back() == Effect{fork(worker(2))});
    CHECK(submit(3).empty());
    CHECK(on(WorkerReady{worker(2)}) == Effects{DismissWorker{worker(1)}, offer(worker(2), 1, 3)});
    CHECK(exit(worker(1)).empty());
}

TEST_CASE_FIXTURE(Fixture, "a worker is offered no more jobs ahead than it may run")
{
    serve(1, 4, {.recycle_jobs = 2});
    CHECK(submit(1) == Effects{offer(worker(1), 1, 1)});
    CHECK(submit(2) == Effects{offer(worker(1), 2, 2)});
    CHECK(submit(3).empty());
}

TEST_CASE_FIXTURE(Fixture,
                  "a worker that has run as many jobs as are allowed now is replaced at once")
{
    serve(1, 1, {.recycle_jobs = 5});
    submit(1);
    finish(worker(1), 1);
    submit(2);
    finish(worker(1), 2);
    CHECK(on(PoolAdjusted{.pool = pool, .terms = {.recycle_jobs = 2}}).back() ==
          Effect{fork(worker(2))});
    CHECK(submit(3).empty());
    CHECK(on(WorkerReady{worker(2)}) == Effects{DismissWorker{worker(1)}, offer(worker(2), 1, 3)});
}

TEST_CASE_FIXTURE(Fixture, "a worker of a certain age is replaced after its next job")
{
    serve(1, 1, {.recycle_age = seconds{60}});
    submit(1);
    after(seconds{60});
    answer(worker(1), 1, false);
    CHECK(finish(worker(1), 1).back() == Effect{fork(worker(2))});
}

TEST_CASE_FIXTURE(Fixture, "workers that have grown too large are replaced one at a time")
{
    serve(2);
    CHECK(on(WorkerWorn{worker(1)}) == Effects{fork(worker(3))});
    CHECK(on(WorkerWorn{worker(1)}).empty());
    CHECK(on(WorkerWorn{worker(2)}).empty());
    CHECK(on(WorkerReady{worker(3)}) == Effects{DismissWorker{worker(1)}, fork(worker(4))});
    CHECK(on(WorkerReady{worker(4)}) == Effects{DismissWorker{worker(2)}});
}

TEST_CASE_FIXTURE(Fixture, "who may run no other job does not wait until others are replaced")
{
    serve(3, 1, {.recycle_jobs = 1});
    for (const std::uint64_t job : {1U, 2U, 3U, 4U, 5U, 6U}) {
        submit(job);
    }
    CHECK(finish(worker(1), 1).back() == Effect{fork(worker(4))});
    CHECK(finish(worker(2), 1).back() == Effect{DismissWorker{worker(2)}});
    CHECK(finish(worker(3), 1).back() == Effect{DismissWorker{worker(3)}});
    CHECK(exit(worker(2)) == Effects{fork(worker(2, 2))});
    CHECK(on(WorkerReady{worker(2, 2)}) == Effects{offer(worker(2, 2), 1, 4)});
    CHECK(on(WorkerReady{worker(4)}) == Effects{DismissWorker{worker(1)}, offer(worker(4), 1, 5)});
    CHECK(exit(worker(3)) == Effects{fork(worker(3, 2))});
    CHECK(exit(worker(1)).empty());
    CHECK(on(WorkerReady{worker(3, 2)}) == Effects{offer(worker(3, 2), 1, 6)});
}

TEST_CASE_FIXTURE(Fixture, "who waits for a successor and has run its last job meanwhile leaves")
{
    serve(2, 1, {.recycle_jobs = 2});
    on(WorkerWorn{worker(1)});
    on(WorkerWorn{worker(2)});
    submit(1);
    submit(2);
    CHECK(finish(worker(2), 1).size() == 1);
    submit(3);
    CHECK(finish(worker(2), 2).back() == Effect{DismissWorker{worker(2)}});
    CHECK(exit(worker(2)) == Effects{fork(worker(2, 2))});
}

TEST_CASE_FIXTURE(Fixture, "of workers that may run no other job by new terms one waits")
{
    serve(2, 2, {.recycle_jobs = 5});
    for (const std::uint64_t job : {1U, 2U, 3U}) {
        submit(job);
    }
    finish(worker(1), 1);
    finish(worker(2), 1);
    submit(4);
    CHECK(on(PoolAdjusted{.pool = pool, .terms = {.recycle_jobs = 1}}) == Effects{fork(worker(3))});
    CHECK(finish(worker(2), 2).back() == Effect{DismissWorker{worker(2)}});
}

TEST_CASE_FIXTURE(Fixture, "who was to be replaced and dies has a successor already")
{
    serve(1);
    on(WorkerWorn{worker(1)});
    CHECK(exit(worker(1)).empty());
    CHECK(on(WorkerReady{worker(2)}).empty());
    CHECK(dispatcher.counts(pool).workers == 1);
}

TEST_CASE_FIXTURE(Fixture, "nobody is replaced in a pool that shrinks to less")
{
    serve(2);
    submit(1);
    on(WorkerWorn{worker(2)});
    CHECK(on(PoolResized{.pool = pool, .workers = 1}) == Effects{DismissWorker{worker(2)}});
    on(WorkerForked{worker(3)});
    CHECK(dispatcher.counts(pool).workers == 1);
}

TEST_CASE_FIXTURE(Fixture, "a worker that a job has spoilt runs no other")
{
    serve(1, 2);
    CHECK(submit(1, {.spoils_worker = true}) == Effects{offer(worker(1), 1, 1)});
    CHECK(submit(2).empty());
    CHECK(finish(worker(1), 1).back() == Effect{DismissWorker{worker(1)}});
    CHECK(exit(worker(1)) == Effects{fork(worker(1, 2))});
    CHECK(on(WorkerReady{worker(1, 2)}) == Effects{offer(worker(1, 2), 1, 2)});
}

// ---- the condemned ------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Fixture, "who does not die of SIGKILL is condemned, and another takes its place")
{
    serve(1);
    CHECK(condemn(worker(1)) == Effects{CondemnWorker{worker(1)}, fork(worker(2))});
    CHECK(dispatcher.counts(pool).condemned == 1);
    CHECK(submit(1).empty());
    CHECK(on(WorkerReady{worker(2)}) == Effects{offer(worker(2), 1, 1)});
}

TEST_CASE_FIXTURE(Fixture, "the jobs of the condemned are judged like those of the dead")
{
    serve(1, 2);
    submit(1);
    submit(2);
    CHECK(condemn(worker(1)) == Effects{CondemnWorker{worker(1)}, fork(worker(2)),
                                        revoke(worker(1), 2), revoke(worker(1), 1)});
    CHECK(answer(worker(1), 2, true).empty());
    CHECK(answer(worker(1), 1, false) ==
          Effects{ended(1, JobState::crashed, EndedBy::worker_death, worker(1))});
    CHECK(finish(worker(1), 1).empty());
    CHECK(dispatcher.stale_events() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a condemned worker that dies after all changes nothing")
{
    serve(1);
    condemn(worker(1));
    on(WorkerReady{worker(2)});
    CHECK(exit(worker(1)).empty());
    CHECK(dispatcher.counts(pool).condemned == 0);
    CHECK(dispatcher.counts(pool).workers == 1);
}

TEST_CASE_FIXTURE(Fixture, "a pool makes up for as many condemned workers as it has, no more")
{
    serve(1);
    CHECK(condemn(worker(1)).back() == Effect{fork(worker(2))});
    on(WorkerReady{worker(2)});
    CHECK(condemn(worker(2)) == Effects{CondemnWorker{worker(2)}});
    CHECK(exit(worker(1)).size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a daemon that stops does not wait for the condemned")
{
    serve(1);
    condemn(worker(1));
    on(ForkFailed{worker(2)});
    CHECK(on(StopRequested{.grace = seconds{1}}) == Effects{Stopped{}});
}

// ---- other pools --------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Fixture, "a delayed job that moves to another pool begins there")
{
    serve(1);
    on(PoolAdded{.pool = PoolId{1}});
    on(TemplateReady{PoolId{1}});
    on(WorkerReady{worker(2)});
    submit(1, {.delay = seconds{1}});
    submit(2);
    CHECK(on(JobMoved{.job = JobId{1}, .to = PoolId{1}}).empty());
    CHECK(on(JobMoved{.job = JobId{2}, .to = PoolId{1}}).empty());
    CHECK(dispatcher.worker_of(JobId{2}) == worker(1));
    CHECK(dispatcher.counts(PoolId{1}).waiting == 1);
    CHECK(after(seconds{1}) == Effects{offer(worker(2), 1, 1)});
}
