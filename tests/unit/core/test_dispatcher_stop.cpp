// SPDX-License-Identifier: MIT
// How the dispatcher comes to its end.
#include <doctest/doctest.h>

#include "tests/support/conversation.hpp"

using namespace jobmill;
using namespace jobmill::core;

TEST_CASE_FIXTURE(Conversation, "a dispatcher without workers and jobs stops at once, and once")
{
    CHECK(on(StopRequested{.grace = seconds{1}}) == Effects{Stopped{}});
    CHECK(on(StopRequested{.grace = seconds{1}}).empty());
    CHECK(on(StopNow{}).empty());
    CHECK(after(seconds{2}).empty());
}

TEST_CASE_FIXTURE(Conversation, "idle workers are dismissed at once and not replaced")
{
    serve(2);
    CHECK(on(StopRequested{.grace = seconds{1}}) ==
          Effects{DismissWorker{worker(1)}, DismissWorker{worker(2)}});
    CHECK(exit(worker(1)).empty());
    CHECK(exit(worker(2)) == Effects{Stopped{}});
}

TEST_CASE_FIXTURE(Conversation, "a dismissed worker that does not leave is killed")
{
    serve(1);
    on(StopRequested{.grace = seconds{60}});
    CHECK(after(seconds{5}) == Effects{KillWorker{worker(1)}});
    CHECK(exit(worker(1)) == Effects{Stopped{}});
}

TEST_CASE_FIXTURE(Conversation, "queued jobs and new ones end when the daemon stops")
{
    serve(1);
    submit(1);
    submit(2);
    submit(3);
    CHECK(on(StopRequested{.grace = seconds{1}}) ==
          Effects{ended(2, JobState::cancelled, EndedBy::stop, {}, JobState::queued),
                  ended(3, JobState::cancelled, EndedBy::stop, {}, JobState::queued),
                  revoke(worker(1), 1)});
    CHECK(submit(4) == Effects{ended(4, JobState::cancelled, EndedBy::stop, {}, JobState::queued)});
}

TEST_CASE_FIXTURE(Conversation, "an offered job that has not begun ends when the daemon stops")
{
    serve(1);
    submit(1);
    on(StopRequested{.grace = seconds{1}});
    CHECK(answer(worker(1), 1, true) ==
          Effects{ended(1, JobState::cancelled, EndedBy::stop, {}, JobState::queued),
                  DismissWorker{worker(1)}});
    CHECK(exit(worker(1)) == Effects{Stopped{}});
}

TEST_CASE_FIXTURE(Conversation, "a running job may finish while the grace lasts")
{
    serve(1);
    submit(1);
    on(StopRequested{.grace = seconds{1}});
    CHECK(answer(worker(1), 1, false).empty());
    now += milliseconds{999};
    CHECK(
        finish(worker(1), 1, JobState::failed) ==
        Effects{ended(1, JobState::failed, EndedBy::worker, worker(1)), DismissWorker{worker(1)}});
    CHECK(exit(worker(1)) == Effects{Stopped{}});
}

TEST_CASE_FIXTURE(Conversation, "a job that runs longer than the grace is stopped with its worker")
{
    serve(1);
    submit(1);
    on(StopRequested{.grace = seconds{1}});
    answer(worker(1), 1, false);
    CHECK(after(seconds{1}) == Effects{flag(worker(1), 1), TerminateWorker{worker(1)}});
    CHECK(after(seconds{5}) == Effects{KillWorker{worker(1)}});
    CHECK(exit(worker(1)) ==
          Effects{ended(1, JobState::cancelled, EndedBy::stop, worker(1)), Stopped{}});
}

TEST_CASE_FIXTURE(Conversation, "without grace running jobs are stopped at once")
{
    serve(1);
    submit(1);
    CHECK(on(StopRequested{}) == Effects{revoke(worker(1), 1), TerminateWorker{worker(1)}});
    CHECK(answer(worker(1), 1, false).empty());
    CHECK(exit(worker(1)) ==
          Effects{ended(1, JobState::cancelled, EndedBy::stop, worker(1)), Stopped{}});
}

TEST_CASE_FIXTURE(Conversation, "a worker that was being forked is dismissed when it is there")
{
    on(PoolAdded{.pool = pool, .workers = 2});
    on(TemplateReady{pool});
    CHECK(on(StopRequested{.grace = seconds{1}}).empty());
    CHECK(on(WorkerForked{worker(1)}) == Effects{DismissWorker{worker(1)}});
    CHECK(on(ForkFailed{worker(2)}).empty());
    CHECK(exit(worker(1)) == Effects{Stopped{}});
}

TEST_CASE_FIXTURE(Conversation, "nothing is started any more when the daemon stops")
{
    on(PoolAdded{.pool = pool, .workers = 2});
    on(TemplateReady{pool});
    on(ForkFailed{worker(1)});
    on(StopRequested{.grace = seconds{1}});
    CHECK(on(TemplateLost{pool}).empty());
    CHECK(after(milliseconds{50}).empty());
    CHECK(on(ForkFailed{worker(2)}) == Effects{Stopped{}});
}

TEST_CASE_FIXTURE(Conversation, "a cancelled job's worker has no grace")
{
    serve(1);
    submit(1);
    cancel(1);
    answer(worker(1), 1, false);
    on(StopRequested{.grace = seconds{60}});
    CHECK(after(milliseconds{100}) == Effects{TerminateWorker{worker(1)}});
    CHECK(exit(worker(1)) ==
          Effects{ended(1, JobState::cancelled, EndedBy::cancel, worker(1)), Stopped{}});
}

TEST_CASE_FIXTURE(Conversation, "to stop now is to kill everything at once")
{
    serve(2);
    submit(1);
    CHECK(on(StopNow{}) ==
          Effects{revoke(worker(1), 1), KillWorker{worker(1)}, KillWorker{worker(2)}});
    answer(worker(1), 1, false);
    CHECK(exit(worker(1)) == Effects{ended(1, JobState::cancelled, EndedBy::stop, worker(1))});
    CHECK(exit(worker(2)) == Effects{Stopped{}});
}

TEST_CASE_FIXTURE(Conversation, "to stop now ends a grace and kills who was dismissed")
{
    serve(2);
    submit(1);
    on(StopRequested{.grace = seconds{60}});
    answer(worker(1), 1, false);
    CHECK(on(StopNow{}) == Effects{KillWorker{worker(1)}, KillWorker{worker(2)}});
}

TEST_CASE_FIXTURE(Conversation, "a worker that appears after the kill is killed too")
{
    on(PoolAdded{.pool = pool});
    on(TemplateReady{pool});
    CHECK(on(StopNow{}).empty());
    CHECK(on(WorkerForked{worker(1)}) == Effects{KillWorker{worker(1)}});
    CHECK(exit(worker(1)) == Effects{Stopped{}});
}
