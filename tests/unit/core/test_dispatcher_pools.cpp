// SPDX-License-Identifier: MIT
// Pools that change while they work.
#include <utility>

#include <doctest/doctest.h>

#include "tests/support/conversation.hpp"
#include "tests/support/describe.hpp"

namespace jobmill::core {

using std::chrono::seconds;

TEST_CASE_FIXTURE(Conversation, "a pool that grows fills the new slots")
{
    serve(1);
    CHECK(on(PoolResized{.pool = pool, .workers = 3}) == Effects{fork(worker(2)), fork(worker(3))});
}

TEST_CASE_FIXTURE(Conversation, "a pool that shrinks lets the idle go first")
{
    serve(3);
    submit(1);
    submit(2);
    finish(worker(1), 1);
    CHECK(on(PoolResized{.pool = pool, .workers = 1}) ==
          Effects{DismissWorker{worker(1)}, DismissWorker{worker(3)}});
    CHECK(dispatcher.counts(pool).workers == 1);
}

TEST_CASE_FIXTURE(Conversation, "a worker too many finishes its job, gets no other, and leaves")
{
    serve(2);
    submit(1);
    submit(2);
    submit(3);
    CHECK(on(PoolResized{.pool = pool, .workers = 1}) == Effects{revoke(worker(2), 1)});
    CHECK(answer(worker(2), 1, false).empty());
    CHECK(finish(worker(2), 1) == Effects{ended(2, JobState::succeeded, EndedBy::worker, worker(2)),
                                          DismissWorker{worker(2)}});
    CHECK(exit(worker(2)).empty());
    CHECK(finish(worker(1), 1) == Effects{ended(1, JobState::succeeded, EndedBy::worker, worker(1)),
                                          offer(worker(1), 2, 3)});
}

TEST_CASE_FIXTURE(Conversation, "what a worker too many has not begun goes back to the queue")
{
    serve(2, 2);
    for (const std::uint64_t job : {1U, 2U, 3U, 4U}) {
        submit(job);
    }
    CHECK(on(PoolResized{.pool = pool, .workers = 1}) ==
          Effects{revoke(worker(2), 2), revoke(worker(2), 1)});
    CHECK(answer(worker(2), 2, true).empty());
    CHECK(answer(worker(2), 1, true) == Effects{DismissWorker{worker(2)}});
    CHECK(dispatcher.counts(pool).queued == 2);
}

TEST_CASE_FIXTURE(Conversation, "in a pool that is held nothing begins, and what has not goes back")
{
    serve(2, 2);
    for (const std::uint64_t job : {1U, 2U, 3U, 4U}) {
        submit(job);
    }
    CHECK(on(PoolSuspended{.pool = pool, .suspended = true}) ==
          Effects{revoke(worker(1), 2), revoke(worker(1), 1), revoke(worker(2), 2),
                  revoke(worker(2), 1)});
    CHECK(answer(worker(1), 2, true).empty());
    CHECK(answer(worker(1), 1, false).empty());
    CHECK(answer(worker(2), 2, true).empty());
    CHECK(answer(worker(2), 1, true).empty());
    CHECK(finish(worker(1), 1) ==
          Effects{ended(1, JobState::succeeded, EndedBy::worker, worker(1))});
    CHECK(submit(5).empty());
    CHECK(dispatcher.counts(pool).queued == 4);
    CHECK(on(PoolSuspended{.pool = pool, .suspended = false}).size() == 4);
    CHECK(dispatcher.counts(pool).queued == 0);
}

TEST_CASE_FIXTURE(Conversation, "a pool that grows again fills the slots that it had")
{
    serve(2);
    on(PoolResized{.pool = pool, .workers = 1});
    CHECK(on(PoolResized{.pool = pool, .workers = 2}).empty());
    CHECK(exit(worker(2)) == Effects{fork(worker(2, 2))});
}

TEST_CASE_FIXTURE(Conversation, "a retired pool goes at once when it has no jobs")
{
    serve(1);
    CHECK(on(PoolRetired{pool}) == Effects{DismissWorker{worker(1)}});
    CHECK(exit(worker(1)) == Effects{DismissTemplate{pool}});
    CHECK(on(TemplateLost{pool}) == Effects{PoolGone{pool}});
}

TEST_CASE_FIXTURE(Conversation,
                  "a retired pool runs what it was given, and replaces who dies of it")
{
    serve(1);
    submit(1);
    submit(2);
    CHECK(on(PoolRetired{pool}).empty());
    exit(worker(1));
    CHECK(
        answer(worker(1), 1, false) ==
        Effects{ended(1, JobState::crashed, EndedBy::worker_death, worker(1)), fork(worker(1, 2))});
    CHECK(on(WorkerReady{worker(1, 2)}) == Effects{offer(worker(1, 2), 1, 2)});
    CHECK(finish(worker(1, 2), 1) ==
          Effects{ended(2, JobState::succeeded, EndedBy::worker, worker(1, 2)),
                  DismissWorker{worker(1, 2)}});
}

TEST_CASE_FIXTURE(Conversation, "slots of a pool that is gone serve the next one")
{
    serve(1);
    on(PoolRetired{pool});
    exit(worker(1));
    on(TemplateLost{pool});
    CHECK(on(PoolAdded{.pool = pool, .workers = 1}) == Effects{StartTemplate{pool}});
    CHECK(on(TemplateReady{pool}) == Effects{fork(worker(1, 2))});
}

TEST_CASE_FIXTURE(Conversation, "a dismissed template that stays is killed")
{
    serve(1);
    on(PoolRetired{pool});
    exit(worker(1));
    CHECK(after(Patience{}.dismiss) == Effects{KillTemplate{pool}});
    CHECK(on(TemplateLost{pool}) == Effects{PoolGone{pool}});
}

TEST_CASE_FIXTURE(Conversation, "jobs that wait go to another pool in their order")
{
    serve(1);
    for (const std::uint64_t job : {1U, 2U, 3U}) {
        submit(job);
    }
    const PoolId other{1};
    on(PoolAdded{.pool = other, .workers = 1});
    CHECK(on(JobMoved{.job = JobId{1}, .to = other}).empty());
    CHECK(on(JobMoved{.job = JobId{2}, .to = other}).empty());
    CHECK(on(JobMoved{.job = JobId{3}, .to = other}).empty());
    CHECK(dispatcher.counts(pool).queued == 0);
    CHECK(dispatcher.counts(other).queued == 2);
    on(TemplateReady{other});
    CHECK(on(WorkerReady{worker(2)}) == Effects{offer(worker(2), 1, 2)});
    on(PoolRetired{pool});
    CHECK(finish(worker(1), 1) == Effects{ended(1, JobState::succeeded, EndedBy::worker, worker(1)),
                                          DismissWorker{worker(1)}});
}

TEST_CASE_FIXTURE(Conversation, "a template that does not answer is killed and started anew")
{
    serve(1);
    CHECK(on(TemplateSilent{pool}) == Effects{KillTemplate{pool}});
    CHECK(on(TemplateSilent{pool}).empty());
    CHECK(exit(worker(1)).empty());
    CHECK(on(TemplateLost{pool}) == Effects{StartTemplate{pool}});
    CHECK(on(TemplateReady{pool}) == Effects{fork(worker(1, 2))});
}

TEST_CASE_FIXTURE(Conversation, "a template that loads for ever is killed")
{
    on(PoolAdded{.pool = pool, .workers = 1});
    CHECK(after(Patience{}.load) == Effects{KillTemplate{pool}});
    CHECK(on(TemplateLost{pool}) == Effects{StartTemplate{pool}});
    CHECK(after(Patience{}.load) == Effects{KillTemplate{pool}});
    CHECK(on(TemplateLost{pool}).empty());
    CHECK(after(Patience{}.first_backoff) == Effects{StartTemplate{pool}});
}

TEST_CASE_FIXTURE(Conversation, "a pool that loads an interpreter is given more time")
{
    const PoolTerms slow{.more_to_load = seconds{540}, .more_to_start = seconds{30}};
    on(PoolAdded{.pool = pool, .workers = 1, .terms = slow});
    CHECK(after(Patience{}.load).empty());
    CHECK(after(seconds{540} - seconds{1}).empty());
    CHECK(after(seconds{1}) == Effects{KillTemplate{pool}});
    CHECK(on(TemplateLost{pool}) == Effects{StartTemplate{pool}});
    CHECK(on(TemplateReady{pool}) == Effects{fork(worker(1))});
    CHECK(on(WorkerForked{worker(1)}).empty());
    CHECK(after(Patience{}.start).empty());
    CHECK(after(seconds{30}) == Effects{KillWorker{worker(1)}});
}

TEST_CASE_FIXTURE(Conversation, "the daemon stops while a pool retires")
{
    serve(1);
    submit(1);
    on(PoolRetired{pool});
    on(StopRequested{.grace = seconds{1}});
    answer(worker(1), 1, false);
    CHECK(finish(worker(1), 1) == Effects{ended(1, JobState::succeeded, EndedBy::worker, worker(1)),
                                          DismissWorker{worker(1)}});
    CHECK(exit(worker(1)) == Effects{DismissTemplate{pool}, Stopped{}});
}

TEST_CASE_FIXTURE(Conversation, "a retired pool is not gone while a worker of it does not die")
{
    serve(1);
    CHECK(on(PoolRetired{pool}) == Effects{DismissWorker{worker(1)}});
    CHECK(after(seconds{5}) == Effects{KillWorker{worker(1)}});
    CHECK(after(seconds{10}) == Effects{CondemnWorker{worker(1)}});
    CHECK(exit(worker(1)) == Effects{DismissTemplate{pool}});
    CHECK(on(TemplateLost{pool}) == Effects{PoolGone{pool}});
}

TEST_CASE_FIXTURE(Conversation,
                  "words of a template that come twice are counted, and change nothing")
{
    serve(1);
    CHECK(on(TemplateReady{pool}).empty());
    CHECK(dispatcher.stale_events() == 1);
    for (int losses = 0; losses < 3; ++losses) {
        on(TemplateLost{pool});
    }
    CHECK(dispatcher.stale_events() == 1);
    CHECK(on(TemplateLost{pool}).empty());
    CHECK(dispatcher.stale_events() == 2);
}

TEST_CASE_FIXTURE(Conversation, "a dispatcher that is moved goes on where it was")
{
    serve(1);
    Dispatcher moved{std::move(dispatcher)};
    dispatcher = std::move(moved);
    CHECK(submit(1) == Effects{offer(worker(1), 1, 1)});
}

}  // namespace jobmill::core
