// SPDX-License-Identifier: MIT
// Times that jobs have: not to begin before, to begin, to run; and workers that keep them waiting.
#include <doctest/doctest.h>

#include "tests/support/conversation.hpp"

using namespace jobmill;
using namespace jobmill::core;

namespace {

constexpr JobTerms a_second{.run_timeout = seconds{1}};

struct Fixture : Conversation {
    /// Worker 1 runs job 1, and its time is over.
    Effects run_too_long()
    {
        submit(1, a_second);
        after(seconds{1});
        answer(worker(1), 1, false);
        return after({});
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a job with a delay is not offered before")
{
    serve(1);
    CHECK(submit(1, {.delay = seconds{1}}).empty());
    CHECK(dispatcher.state_of(JobId{1}) == JobState::waiting);
    CHECK_FALSE(dispatcher.worker_of(JobId{1}).has_value());
    CHECK(after(milliseconds{999}).empty());
    CHECK(after(milliseconds{1}) == Effects{offer(worker(1), 1, 1)});
}

TEST_CASE_FIXTURE(Fixture, "a job that waits for too long expires")
{
    serve(1);
    submit(1);
    submit(2, {.queue_timeout = seconds{1}});
    CHECK(after(milliseconds{999}).empty());
    CHECK(after(milliseconds{1}) ==
          Effects{ended(2, JobState::expired, EndedBy::deadline, {}, JobState::queued)});
    CHECK(dispatcher.counts(pool).expired == 1);
}

TEST_CASE_FIXTURE(Fixture, "a job expires even while it is delayed")
{
    serve(1);
    submit(1, {.delay = seconds{2}, .queue_timeout = seconds{1}});
    CHECK(after(seconds{1}) ==
          Effects{ended(1, JobState::expired, EndedBy::deadline, {}, JobState::waiting)});
}

TEST_CASE_FIXTURE(Fixture, "a job that a worker has begun does not expire")
{
    serve(1);
    submit(1, {.queue_timeout = seconds{1}});
    CHECK(after(seconds{1}) == Effects{revoke(worker(1), 1)});
    CHECK(answer(worker(1), 1, false).empty());
    CHECK(after(seconds{2}).empty());
    CHECK(dispatcher.state_of(JobId{1}) == JobState::running);
}

TEST_CASE_FIXTURE(Fixture, "a job that runs too long is asked where it is, flagged, and ended")
{
    serve(1);
    submit(1, a_second);
    CHECK(after(milliseconds{999}).empty());
    CHECK(after(milliseconds{1}) == Effects{revoke(worker(1), 1)});
    CHECK(answer(worker(1), 1, false).empty());
    CHECK(after({}) == Effects{TakeStack{worker(1)}, flag(worker(1), 1)});
    CHECK(after(milliseconds{100}) == Effects{TerminateWorker{worker(1)}});
    CHECK(exit(worker(1)) ==
          Effects{ended(1, JobState::timed_out, EndedBy::timeout, worker(1)), fork(worker(1, 2))});
    CHECK(dispatcher.counts(pool).timed_out == 1);
}

TEST_CASE_FIXTURE(Fixture, "a job whose time is over and that succeeds all the same has succeeded")
{
    serve(1);
    run_too_long();
    CHECK(finish(worker(1), 1) ==
          Effects{ended(1, JobState::succeeded, EndedBy::worker, worker(1))});
    CHECK(submit(2) == Effects{offer(worker(1), 2, 2)});
}

TEST_CASE_FIXTURE(Fixture, "a job that has not begun by the end of its time was not at fault")
{
    serve(2);
    submit(1, a_second);
    after(seconds{1});
    CHECK(answer(worker(1), 1, true) == Effects{offer(worker(2), 1, 1)});
}

TEST_CASE_FIXTURE(Fixture, "a job whose time is over can still be cancelled")
{
    serve(1);
    run_too_long();
    CHECK(cancel(1).empty());
    CHECK(exit(worker(1)).front() ==
          Effect{ended(1, JobState::cancelled, EndedBy::cancel, worker(1))});
}

TEST_CASE_FIXTURE(Fixture, "a job's time begins when it comes to the front of its worker")
{
    serve(1, 2);
    submit(1);
    submit(2, a_second);
    after(seconds{5});
    finish(worker(1), 1);
    CHECK(after(milliseconds{999}).empty());
    CHECK(after(milliseconds{1}) == Effects{revoke(worker(1), 2)});
}

TEST_CASE_FIXTURE(Fixture, "a job that never looks at its flag has little time to say where it is")
{
    serve(1);
    run_too_long();
    on(JobDeaf{.worker = worker(1), .sequence = Sequence{1}});
    CHECK(after(milliseconds{19}).empty());
    CHECK(after(milliseconds{1}) == Effects{TerminateWorker{worker(1)}});
}

TEST_CASE_FIXTURE(Fixture, "a cancelled job that never looks at its flag is ended soon")
{
    serve(1);
    submit(1);
    cancel(1);
    answer(worker(1), 1, false);
    CHECK(on(JobDeaf{.worker = worker(1), .sequence = Sequence{2}}).empty());
    on(JobDeaf{.worker = worker(1), .sequence = Sequence{1}});
    CHECK(after(milliseconds{1}) == Effects{TerminateWorker{worker(1)}});
}

TEST_CASE_FIXTURE(Fixture, "a hung worker is first asked whether it has begun its job")
{
    serve(1);
    submit(1);
    CHECK(on(WorkerHung{worker(1)}) == Effects{revoke(worker(1), 1)});
    CHECK(answer(worker(1), 1, false).empty());
    CHECK(on(WorkerHung{worker(1)}) == Effects{TakeStack{worker(1)}, flag(worker(1), 1)});
    after(milliseconds{100});
    CHECK(exit(worker(1)).front() ==
          Effect{ended(1, JobState::timed_out, EndedBy::hang, worker(1))});
}

TEST_CASE_FIXTURE(Fixture, "a hung worker that has begun nothing is killed, and its job goes on")
{
    serve(2);
    submit(1);
    on(WorkerHung{worker(1)});
    CHECK(answer(worker(1), 1, true) == Effects{KillWorker{worker(1)}, offer(worker(2), 1, 1)});
}

TEST_CASE_FIXTURE(Fixture, "a worker without a job cannot hang")
{
    serve(1);
    CHECK(on(WorkerHung{worker(1)}).empty());
}

TEST_CASE_FIXTURE(Fixture, "a worker that does not begin what it was given is killed")
{
    serve(2);
    submit(1);
    CHECK(after(seconds{10}) == Effects{revoke(worker(1), 1)});
    CHECK(answer(worker(1), 1, true) == Effects{KillWorker{worker(1)}, offer(worker(2), 1, 1)});
}

TEST_CASE_FIXTURE(Fixture, "a worker that runs a long job is asked once whether it has begun")
{
    serve(1);
    submit(1);
    after(seconds{10});
    answer(worker(1), 1, false);
    CHECK(after(seconds{1000}).empty());
    CHECK_FALSE(armed.has_value());
}
