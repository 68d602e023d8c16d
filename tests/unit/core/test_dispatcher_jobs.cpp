// SPDX-License-Identifier: MIT
// Who gets the next job, and what becomes of it when all goes well or its worker dies.
#include <doctest/doctest.h>

#include "tests/support/conversation.hpp"

using namespace jobmill;
using namespace jobmill::core;

TEST_CASE_FIXTURE(Conversation, "a job goes to an idle worker, and its result ends it")
{
    serve(1);
    CHECK(submit(1) == Effects{offer(worker(1), 1, 1)});
    CHECK(dispatcher.state_of(JobId{1}) == JobState::running);
    CHECK(dispatcher.job_of(worker(1), Sequence{1}) == JobId{1});
    CHECK(finish(worker(1), 1) ==
          Effects{ended(1, JobState::succeeded, EndedBy::worker, worker(1))});
    CHECK_FALSE(dispatcher.state_of(JobId{1}).has_value());
    CHECK_FALSE(dispatcher.job_of(worker(1), Sequence{1}).has_value());
    CHECK(dispatcher.unfinished_jobs() == 0);
}

TEST_CASE_FIXTURE(Conversation, "a worker's own word that a job failed ends it as failed")
{
    serve(1);
    submit(1);
    CHECK(finish(worker(1), 1, JobState::failed) ==
          Effects{ended(1, JobState::failed, EndedBy::worker, worker(1))});
}

TEST_CASE_FIXTURE(Conversation, "waiting jobs are offered in the order of their arrival")
{
    serve(1);
    submit(1);
    CHECK(submit(2).empty());
    CHECK(submit(3).empty());
    CHECK(dispatcher.state_of(JobId{2}) == JobState::queued);
    CHECK(finish(worker(1), 1).back() == Effect{offer(worker(1), 2, 2)});
    CHECK(finish(worker(1), 2).back() == Effect{offer(worker(1), 3, 3)});
}

TEST_CASE_FIXTURE(Conversation, "a pool's jobs go to its own workers only")
{
    serve(1);
    on(PoolAdded{.pool = PoolId{1}});
    CHECK(on(JobSubmitted{.job = JobId{1}, .session = SessionId{1}, .pool = PoolId{1}}).empty());
    on(TemplateReady{PoolId{1}});
    CHECK(on(WorkerReady{worker(2)}) == Effects{offer(worker(2), 1, 1)});
}

TEST_CASE_FIXTURE(Conversation, "idle workers come first, and further jobs spread evenly")
{
    serve(3, 2);
    CHECK(submit(1) == Effects{offer(worker(1), 1, 1)});
    CHECK(submit(2) == Effects{offer(worker(2), 1, 2)});
    CHECK(submit(3) == Effects{offer(worker(3), 1, 3)});
    CHECK(submit(4) == Effects{offer(worker(1), 2, 4)});
    finish(worker(3), 1);
    CHECK(submit(5) == Effects{offer(worker(3), 2, 5)});
    CHECK(submit(6) == Effects{offer(worker(2), 2, 6)});
    CHECK(submit(7) == Effects{offer(worker(3), 3, 7)});
    CHECK(submit(8).empty());
}

TEST_CASE_FIXTURE(Conversation,
                  "a result under a sequence that the worker does not hold gets it killed")
{
    serve(1);
    submit(1);
    CHECK(finish(worker(1), 2) == Effects{KillWorker{worker(1)}});
    CHECK(finish(worker(1), 9).empty());
}

TEST_CASE_FIXTURE(Conversation, "a result that was already given gets the worker killed")
{
    serve(1);
    submit(1);
    finish(worker(1), 1);
    CHECK(finish(worker(1), 1) == Effects{KillWorker{worker(1)}});
}

TEST_CASE_FIXTURE(Conversation, "a worker that passes over a job is killed, and its result counts")
{
    serve(1, 2);
    submit(1);
    submit(2);
    CHECK(finish(worker(1), 2) == Effects{ended(2, JobState::succeeded, EndedBy::worker, worker(1)),
                                          KillWorker{worker(1)}});
}

TEST_CASE_FIXTURE(Conversation, "a complete result of a killed worker counts")
{
    serve(1);
    submit(1);
    on(WorkerMisbehaved{worker(1)});
    CHECK(finish(worker(1), 1) ==
          Effects{ended(1, JobState::succeeded, EndedBy::worker, worker(1))});
    CHECK(submit(2).empty());
}

TEST_CASE_FIXTURE(Conversation, "a job that had begun crashes with its worker")
{
    serve(1);
    submit(1);
    CHECK(exit(worker(1)) == Effects{revoke(worker(1), 1)});
    CHECK(
        answer(worker(1), 1, false) ==
        Effects{ended(1, JobState::crashed, EndedBy::worker_death, worker(1)), fork(worker(1, 2))});
}

TEST_CASE_FIXTURE(Conversation, "a job that a dead worker had not begun goes to another, uncharged")
{
    serve(2);
    submit(1);
    CHECK(exit(worker(1)) == Effects{revoke(worker(1), 1)});
    CHECK(answer(worker(1), 1, true) == Effects{fork(worker(1, 2)), offer(worker(2), 1, 1)});
}

TEST_CASE_FIXTURE(Conversation, "of a dead worker's jobs only the one that had begun is charged")
{
    serve(1, 3);
    submit(1);
    submit(2);
    submit(3);
    submit(4);
    CHECK(exit(worker(1)) ==
          Effects{revoke(worker(1), 3), revoke(worker(1), 2), revoke(worker(1), 1)});
    CHECK(answer(worker(1), 2, true).empty());
    CHECK(answer(worker(1), 3, true).empty());
    CHECK(
        answer(worker(1), 1, false) ==
        Effects{ended(1, JobState::crashed, EndedBy::worker_death, worker(1)), fork(worker(1, 2))});
    CHECK(on(WorkerReady{worker(1, 2)}) ==
          Effects{offer(worker(1, 2), 1, 2), offer(worker(1, 2), 2, 3), offer(worker(1, 2), 3, 4)});
}

TEST_CASE_FIXTURE(Conversation, "a claim word is not written anew while its older job is held")
{
    serve(1, 2);
    submit(1000);
    std::uint64_t last = 1;
    for (std::uint64_t job = 1001; last < 256; ++job) {
        REQUIRE(submit(job) == Effects{offer(worker(1), ++last, job)});
        cancel(job);
        answer(worker(1), last, true);
    }
    CHECK(submit(1).empty());
    CHECK(finish(worker(1), 1).back() == Effect{offer(worker(1), 257, 1)});
}
