// SPDX-License-Identifier: MIT
// What becomes of a cancelled job and of the worker that holds it.
#include <doctest/doctest.h>

#include "tests/support/conversation.hpp"

using namespace jobmill;
using namespace jobmill::core;

TEST_CASE_FIXTURE(Conversation, "a queued job is cancelled at once")
{
    serve(1);
    submit(1);
    submit(2);
    CHECK(cancel(2) ==
          Effects{ended(2, JobState::cancelled, EndedBy::cancel, {}, JobState::queued)});
    CHECK(cancel(2).empty());
}

TEST_CASE_FIXTURE(Conversation, "a job that its worker has not begun is taken back and cancelled")
{
    serve(1);
    submit(1);
    submit(2);
    CHECK(cancel(1) == Effects{revoke(worker(1), 1)});
    CHECK(cancel(1).empty());
    CHECK(answer(worker(1), 1, true) ==
          Effects{ended(1, JobState::cancelled, EndedBy::cancel, {}, JobState::queued),
                  offer(worker(1), 2, 2)});
}

TEST_CASE_FIXTURE(Conversation, "a running job is flagged, then its worker terminated, then killed")
{
    serve(1);
    submit(1);
    cancel(1);
    CHECK(answer(worker(1), 1, false) == Effects{flag(worker(1), 1)});
    CHECK(after(milliseconds{99}).empty());
    CHECK(after(milliseconds{1}) == Effects{TerminateWorker{worker(1)}});
    CHECK(after(milliseconds{4999}).empty());
    CHECK(after(milliseconds{1}) == Effects{KillWorker{worker(1)}});
    CHECK(exit(worker(1)) ==
          Effects{ended(1, JobState::cancelled, EndedBy::cancel, worker(1)), fork(worker(1, 2))});
}

TEST_CASE_FIXTURE(Conversation, "a cancelled job that succeeds first has succeeded")
{
    serve(1);
    submit(1);
    cancel(1);
    answer(worker(1), 1, false);
    CHECK(finish(worker(1), 1) ==
          Effects{ended(1, JobState::succeeded, EndedBy::worker, worker(1))});
}

TEST_CASE_FIXTURE(Conversation, "a cancelled job that then fails is cancelled")
{
    serve(1);
    submit(1);
    cancel(1);
    answer(worker(1), 1, false);
    CHECK(finish(worker(1), 1, JobState::failed) ==
          Effects{ended(1, JobState::cancelled, EndedBy::cancel, worker(1))});
}

TEST_CASE_FIXTURE(Conversation, "a worker that heeds the flag lives on and takes the next job")
{
    serve(1);
    submit(1);
    submit(2);
    cancel(1);
    answer(worker(1), 1, false);
    CHECK(finish(worker(1), 1, JobState::failed).back() == Effect{offer(worker(1), 2, 2)});
    CHECK(after(seconds{9}).empty());
}

TEST_CASE_FIXTURE(Conversation,
                  "a worker that was terminated gets no job any more and is dismissed")
{
    serve(1);
    submit(1);
    submit(2);
    cancel(1);
    answer(worker(1), 1, false);
    after(milliseconds{100});
    CHECK(finish(worker(1), 1) == Effects{ended(1, JobState::succeeded, EndedBy::worker, worker(1)),
                                          DismissWorker{worker(1)}});
    CHECK(after(milliseconds{4999}).empty());
    CHECK(after(milliseconds{1}) == Effects{KillWorker{worker(1)}});
    CHECK(exit(worker(1)) == Effects{fork(worker(1, 2))});
    CHECK(on(WorkerReady{worker(1, 2)}) == Effects{offer(worker(1, 2), 1, 2)});
}

TEST_CASE_FIXTURE(Conversation, "jobs behind a cancelled one are called back before the flag is up")
{
    serve(1, 3);
    submit(1);
    submit(2);
    submit(3);
    submit(4);
    cancel(1);
    CHECK(answer(worker(1), 1, false) ==
          Effects{revoke(worker(1), 3), revoke(worker(1), 2), flag(worker(1), 1)});
    answer(worker(1), 3, true);
    answer(worker(1), 2, true);
    CHECK(dispatcher.state_of(JobId{2}) == JobState::queued);
    CHECK(finish(worker(1), 1) == Effects{ended(1, JobState::succeeded, EndedBy::worker, worker(1)),
                                          offer(worker(1), 4, 2), offer(worker(1), 5, 3),
                                          offer(worker(1), 6, 4)});
}

TEST_CASE_FIXTURE(Conversation,
                  "jobs behind a cancelled one go to other workers, before newer ones")
{
    serve(2, 2);
    for (std::uint64_t job = 1; job <= 5; ++job) {
        submit(job);
    }
    cancel(1);
    answer(worker(1), 1, false);
    answer(worker(1), 2, true);
    CHECK(finish(worker(2), 1).back() == Effect{offer(worker(2), 3, 3)});
    CHECK(finish(worker(2), 2).back() == Effect{offer(worker(2), 4, 5)});
}

TEST_CASE_FIXTURE(Conversation, "a worker is left alone when it has begun a later job already")
{
    serve(1, 2);
    submit(1);
    submit(2);
    cancel(1);
    CHECK(answer(worker(1), 1, false) == Effects{revoke(worker(1), 2), flag(worker(1), 1)});
    // So the word of the first is on the way.
    CHECK(answer(worker(1), 2, false) == Effects{HearOut{worker(1)}});
    CHECK(after(seconds{60}).empty());
    CHECK(finish(worker(1), 1) ==
          Effects{ended(1, JobState::succeeded, EndedBy::worker, worker(1))});
    CHECK(finish(worker(1), 2) ==
          Effects{ended(2, JobState::succeeded, EndedBy::worker, worker(1))});
}

TEST_CASE_FIXTURE(Conversation, "of two cancelled jobs the worker is flagged for the later begun")
{
    serve(1, 2);
    submit(1);
    submit(2);
    cancel(1);
    cancel(2);
    CHECK(answer(worker(1), 2, false) == Effects{flag(worker(1), 2), HearOut{worker(1)}});
    CHECK(answer(worker(1), 1, false).empty());  // it has finished that one
    CHECK(finish(worker(1), 1) ==
          Effects{ended(1, JobState::succeeded, EndedBy::worker, worker(1))});
    CHECK(after(milliseconds{100}) == Effects{TerminateWorker{worker(1)}});
}

TEST_CASE_FIXTURE(Conversation, "a worker that passes over a job that it has begun is killed")
{
    serve(1, 2);
    submit(1);
    submit(2);
    cancel(1);
    answer(worker(1), 1, false);
    answer(worker(1), 2, false);
    CHECK(finish(worker(1), 2) == Effects{ended(2, JobState::succeeded, EndedBy::worker, worker(1)),
                                          KillWorker{worker(1)}});
}

TEST_CASE_FIXTURE(Conversation,
                  "a job that could not be called back is cancelled without asking again")
{
    serve(1, 2);
    submit(1);
    submit(2);
    cancel(1);
    answer(worker(1), 1, false);
    answer(worker(1), 2, false);
    CHECK(cancel(2) == Effects{flag(worker(1), 2)});
    CHECK(after(milliseconds{100}) == Effects{TerminateWorker{worker(1)}});
}

TEST_CASE_FIXTURE(Conversation, "a job that is being called back can still be cancelled")
{
    serve(1, 2);
    submit(1);
    submit(2);
    cancel(1);
    answer(worker(1), 1, false);
    CHECK(cancel(2).empty());
    CHECK(answer(worker(1), 2, true) ==
          Effects{ended(2, JobState::cancelled, EndedBy::cancel, {}, JobState::queued)});
}

TEST_CASE_FIXTURE(Conversation,
                  "a worker is killed that had begun a job before one it has finished")
{
    serve(1, 2);
    submit(1);
    submit(2);
    cancel(1);
    CHECK(finish(worker(1), 2) ==
          Effects{ended(2, JobState::succeeded, EndedBy::worker, worker(1))});
    CHECK(answer(worker(1), 1, false) == Effects{KillWorker{worker(1)}});
    CHECK(exit(worker(1)).front() ==
          Effect{ended(1, JobState::cancelled, EndedBy::cancel, worker(1))});
}

TEST_CASE_FIXTURE(Conversation, "a result that overtakes the answer to a revoke counts")
{
    serve(1);
    submit(1);
    cancel(1);
    CHECK(finish(worker(1), 1) ==
          Effects{ended(1, JobState::succeeded, EndedBy::worker, worker(1))});
    CHECK(answer(worker(1), 1, false).empty());
    CHECK(submit(2) == Effects{offer(worker(1), 2, 2)});
}

TEST_CASE_FIXTURE(Conversation, "an exit that overtakes the answer to a revoke waits for it")
{
    serve(1);
    submit(1);
    cancel(1);
    CHECK(exit(worker(1)).empty());
    CHECK(answer(worker(1), 1, false) ==
          Effects{ended(1, JobState::cancelled, EndedBy::cancel, worker(1)), fork(worker(1, 2))});
}

TEST_CASE_FIXTURE(Conversation,
                  "a job that is cancelled while its dead worker is judged is cancelled")
{
    serve(1);
    submit(1);
    exit(worker(1));
    CHECK(cancel(1).empty());
    CHECK(answer(worker(1), 1, true) ==
          Effects{ended(1, JobState::cancelled, EndedBy::cancel, {}, JobState::queued),
                  fork(worker(1, 2))});
}

TEST_CASE_FIXTURE(Conversation, "a lost session takes its attached jobs along, and no others")
{
    serve(1);
    submit(1, 5);
    submit(2, 5);
    submit(3, 5, true);
    submit(4, 6);
    CHECK(on(SessionLost{SessionId{5}}) ==
          Effects{revoke(worker(1), 1),
                  ended(2, JobState::cancelled, EndedBy::cancel, {}, JobState::queued)});
    CHECK(on(SessionLost{SessionId{5}}).empty());
    CHECK(answer(worker(1), 1, true) ==
          Effects{ended(1, JobState::cancelled, EndedBy::cancel, {}, JobState::queued),
                  offer(worker(1), 2, 3)});
    CHECK(dispatcher.state_of(JobId{4}) == JobState::queued);
}

TEST_CASE_FIXTURE(Conversation,
                  "a worker that heeds the flag serves on while a job behind is asked back")
{
    serve(1, 2);
    submit(1);
    submit(2);
    cancel(1);
    CHECK(answer(worker(1), 1, false) == Effects{revoke(worker(1), 2), flag(worker(1), 1)});
    finish(worker(1), 1, JobState::failed);
    CHECK(after(milliseconds{100}).empty());
    CHECK(answer(worker(1), 2, true) == Effects{offer(worker(1), 3, 2)});
}
