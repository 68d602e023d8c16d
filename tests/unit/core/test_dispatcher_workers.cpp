// SPDX-License-Identifier: MIT
// How the dispatcher keeps templates and workers.
#include <doctest/doctest.h>

#include "tests/support/conversation.hpp"

using namespace jobmill;
using namespace jobmill::core;

TEST_CASE_FIXTURE(Conversation, "a new pool's template is started")
{
    CHECK(on(PoolAdded{.pool = pool, .workers = 2}) == Effects{StartTemplate{pool}});
}

TEST_CASE_FIXTURE(Conversation, "a ready template is asked for a worker for each slot")
{
    on(PoolAdded{.pool = pool, .workers = 2});
    CHECK(on(TemplateReady{pool}) == Effects{fork(worker(1)), fork(worker(2))});
}

TEST_CASE_FIXTURE(Conversation, "a job waits until a worker is ready")
{
    on(PoolAdded{.pool = pool});
    CHECK(submit(7).empty());
    CHECK(on(TemplateReady{pool}) == Effects{fork(worker(1))});
    CHECK(on(WorkerForked{worker(1)}).empty());
    CHECK(on(WorkerReady{worker(1)}) == Effects{offer(worker(1), 1, 7)});
}

TEST_CASE_FIXTURE(Conversation, "a hello may overtake the word that the worker was forked")
{
    on(PoolAdded{.pool = pool});
    on(TemplateReady{pool});
    submit(7);
    CHECK(on(WorkerReady{worker(1)}) == Effects{offer(worker(1), 1, 7)});
    CHECK(on(WorkerForked{worker(1)}).empty());
    CHECK(on(ForkFailed{worker(1)}).empty());
    CHECK(dispatcher.worker_of(JobId{7}) == worker(1));
    CHECK(dispatcher.stale_events() == 0);
}

TEST_CASE_FIXTURE(Conversation, "a worker that never says hello is killed when patience ends")
{
    on(PoolAdded{.pool = pool});
    on(TemplateReady{pool});
    on(WorkerForked{worker(1)});
    CHECK(armed == now + seconds{10});
    CHECK(after(seconds{10}) == Effects{KillWorker{worker(1)}});
}

TEST_CASE_FIXTURE(Conversation,
                  "a worker that was ready is replaced at once, as long as jobs come to an end")
{
    serve(1);
    for (std::uint32_t generation = 1; generation <= 1000; ++generation) {
        submit(generation);
        finish(worker(1, generation), 1);
        REQUIRE(exit(worker(1, generation)) == Effects{fork(worker(1, generation + 1))});
        on(WorkerForked{worker(1, generation + 1)});
        on(WorkerReady{worker(1, generation + 1)});
    }
    CHECK(dispatcher.counts(pool).restarts == 1000);
}

TEST_CASE_FIXTURE(Conversation, "a slot whose workers die unready is refilled later and later")
{
    on(PoolAdded{.pool = pool});
    on(TemplateReady{pool});
    on(WorkerForked{worker(1)});
    CHECK(exit(worker(1)).empty());
    CHECK(after(milliseconds{49}).empty());
    CHECK(after(milliseconds{1}) == Effects{fork(worker(1, 2))});
    CHECK(on(ForkFailed{worker(1, 2)}).empty());
    CHECK(after(milliseconds{99}).empty());
    CHECK(after(milliseconds{1}) == Effects{fork(worker(1, 3))});
}

TEST_CASE_FIXTURE(Conversation, "a hello makes a slot's failed starts forgotten")
{
    on(PoolAdded{.pool = pool});
    on(TemplateReady{pool});
    on(ForkFailed{worker(1)});
    after(milliseconds{50});
    on(WorkerReady{worker(1, 2)});
    CHECK(exit(worker(1, 2)) == Effects{fork(worker(1, 3))});
    on(ForkFailed{worker(1, 3)});
    CHECK(after(milliseconds{50}) == Effects{fork(worker(1, 4))});
}

TEST_CASE_FIXTURE(Conversation, "a lost template is started again at once and its workers live on")
{
    serve(2);
    CHECK(on(TemplateLost{pool}) == Effects{StartTemplate{pool}});
    CHECK(submit(1) == Effects{offer(worker(1), 1, 1)});
    CHECK(exit(worker(2)).empty());
    CHECK(on(TemplateReady{pool}) == Effects{fork(worker(2, 2))});
}

TEST_CASE_FIXTURE(Conversation, "a template that is never ready is started later and later")
{
    on(PoolAdded{.pool = pool});
    CHECK(on(TemplateLost{pool}) == Effects{StartTemplate{pool}});
    CHECK(on(TemplateLost{pool}).empty());
    CHECK(after(milliseconds{50}) == Effects{StartTemplate{pool}});
    CHECK(on(TemplateLost{pool}).empty());
    CHECK(after(milliseconds{99}).empty());
    CHECK(after(milliseconds{1}) == Effects{StartTemplate{pool}});
    on(TemplateReady{pool});
    CHECK(on(TemplateLost{pool}) == Effects{StartTemplate{pool}});
}

TEST_CASE_FIXTURE(Conversation,
                  "a slot that waits for its respawn time is not filled by a template")
{
    on(PoolAdded{.pool = pool});
    on(TemplateReady{pool});
    on(ForkFailed{worker(1)});
    on(TemplateLost{pool});
    CHECK(on(TemplateReady{pool}).empty());
    CHECK(after(milliseconds{50}) == Effects{fork(worker(1, 2))});
}

TEST_CASE_FIXTURE(Conversation, "words of an old generation change nothing and are counted")
{
    serve(1);
    exit(worker(1));
    on(WorkerReady{worker(1, 2)});
    submit(1);
    CHECK(exit(worker(1)).empty());
    CHECK(finish(worker(1), 1).empty());
    CHECK(on(WorkerReady{worker(1)}).empty());
    CHECK(on(WorkerMisbehaved{worker(1)}).empty());
    CHECK(on(WorkerForked{worker(9)}).empty());
    CHECK(dispatcher.stale_events() == 5);
    CHECK(dispatcher.worker_of(JobId{1}) == worker(1, 2));
}

TEST_CASE_FIXTURE(Conversation, "a worker that misbehaves is killed once")
{
    serve(1);
    CHECK(on(WorkerMisbehaved{worker(1)}) == Effects{KillWorker{worker(1)}});
    CHECK(on(WorkerMisbehaved{worker(1)}).empty());
    CHECK(submit(1).empty());
    CHECK(exit(worker(1)) == Effects{fork(worker(1, 2))});
}

TEST_CASE_FIXTURE(Conversation, "the timer is armed again only when the earliest deadline changes")
{
    on(PoolAdded{.pool = pool, .workers = 2});
    on(TemplateReady{pool});
    on(WorkerForked{worker(1)});
    CHECK(armed == now + seconds{10});
    armed.reset();
    now += seconds{1};
    on(WorkerForked{worker(2)});
    CHECK_FALSE(armed.has_value());
    on(WorkerReady{worker(1)});
    CHECK(armed == now + seconds{10});
}

TEST_CASE_FIXTURE(Conversation, "a timer that fires too early is armed again")
{
    on(PoolAdded{.pool = pool});
    on(TemplateReady{pool});
    on(WorkerForked{worker(1)});
    const auto wanted = armed;
    CHECK(after(seconds{1}).empty());
    CHECK(armed == wanted);
}

TEST_CASE_FIXTURE(Conversation, "a pool counts its workers, jobs and ends")
{
    serve(2);
    submit(1);
    submit(2);
    submit(3);
    finish(worker(1), 1, JobState::failed);
    exit(worker(2));
    answer(worker(2), 1, false);
    const PoolCounts counts = dispatcher.counts(pool);
    CHECK(counts.workers == 1);
    CHECK(counts.busy == 1);
    CHECK(counts.queued == 0);
    CHECK(counts.done == 2);
    CHECK(counts.failed == 1);
    CHECK(counts.crashed == 1);
}
