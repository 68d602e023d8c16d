// SPDX-License-Identifier: MIT
// What becomes of a job that is to be cancelled unless it runs.
#include <doctest/doctest.h>

#include "tests/support/conversation.hpp"

using namespace jobmill;
using namespace jobmill::core;

namespace {

Effects gone(std::uint64_t job, JobState was = JobState::queued)
{
    return {Conversation{}.ended(job, JobState::cancelled, EndedBy::cancel, {}, was)};
}

Effects let_be(std::uint64_t job)
{
    return {JobLetBe{JobId{job}}};
}

}  // namespace

TEST_CASE_FIXTURE(Conversation, "a queued job is waived at once")
{
    serve(1);
    submit(1);
    submit(2);
    CHECK(waive(2) == gone(2));
    CHECK(waive(2).empty());
}

TEST_CASE_FIXTURE(Conversation, "a job that waits for its time is waived at once")
{
    serve(1);
    submit(1, JobTerms{.delay = seconds{1}});
    CHECK(waive(1) == gone(1, JobState::waiting));
}

TEST_CASE_FIXTURE(Conversation, "a job that waits for its next attempt does not run")
{
    serve(1);
    submit(1, JobTerms{.retry_failure = 1});
    finish(worker(1), 1, JobState::failed);
    const Effects end = waive(1);
    REQUIRE(end.size() == 1);
    CHECK(end.front() == Effect{JobEnded{.job = JobId{1},
                                         .state = JobState::cancelled,
                                         .by = EndedBy::cancel,
                                         .was = JobState::waiting,
                                         .attempt = 2}});
}

TEST_CASE_FIXTURE(Conversation, "a job that its worker has not begun is taken back and waived")
{
    serve(1, 2);
    submit(1);
    submit(2);
    CHECK(waive(2) == Effects{revoke(worker(1), 2)});
    CHECK(waive(2).empty());
    CHECK(answer(worker(1), 2, true) == gone(2));
}

TEST_CASE_FIXTURE(Conversation, "a job that runs is let be, and whoever asks again is told so")
{
    serve(1);
    submit(1);
    CHECK(waive(1) == Effects{revoke(worker(1), 1)});
    CHECK(answer(worker(1), 1, false) == let_be(1));
    CHECK(waive(1) == let_be(1));
    CHECK(after(seconds{60}).empty());
    CHECK(finish(worker(1), 1) ==
          Effects{ended(1, JobState::succeeded, EndedBy::worker, worker(1))});
}

TEST_CASE_FIXTURE(Conversation, "a job that was let be can still be cancelled")
{
    serve(1);
    submit(1);
    waive(1);
    answer(worker(1), 1, false);
    CHECK(cancel(1) == Effects{flag(worker(1), 1)});
    CHECK(waive(1) == let_be(1));  // it still runs
}

TEST_CASE_FIXTURE(Conversation, "a job that is being waived can be cancelled for good")
{
    serve(1);
    submit(1);
    waive(1);
    CHECK(cancel(1).empty());
    CHECK(waive(1).empty());
    CHECK(answer(worker(1), 1, false) == Effects{flag(worker(1), 1)});
}

TEST_CASE_FIXTURE(Conversation, "a job that is being called back can be waived")
{
    serve(1, 2);
    submit(1);
    submit(2);
    cancel(1);
    answer(worker(1), 1, false);
    CHECK(waive(2).empty());
    CHECK(answer(worker(1), 2, true) == gone(2));
}

TEST_CASE_FIXTURE(Conversation, "a result that overtakes the answer ends a waived job")
{
    serve(1);
    submit(1);
    waive(1);
    CHECK(finish(worker(1), 1, JobState::failed) ==
          Effects{ended(1, JobState::failed, EndedBy::worker, worker(1))});
    CHECK(answer(worker(1), 1, false).empty());
}

TEST_CASE_FIXTURE(Conversation, "a failure that overtakes the answer is tried again")
{
    serve(1);
    submit(1, JobTerms{.retry_failure = 1});
    waive(1);
    const Effects words = finish(worker(1), 1, JobState::failed);
    REQUIRE(words.size() >= 2);
    CHECK(words.at(0) == let_be(1).front());
    CHECK(std::holds_alternative<JobRetried>(words.at(1)));
    CHECK(answer(worker(1), 1, false).empty());
    CHECK(dispatcher.state_of(JobId{1}) == JobState::waiting);
}

TEST_CASE_FIXTURE(Conversation, "a waived job whose worker has died crashed only if it had begun")
{
    serve(1, 2);
    submit(1);
    submit(2);
    waive(1);
    waive(2);
    exit(worker(1));
    CHECK(answer(worker(1), 2, true).front() == gone(2).front());
    const Effects words = answer(worker(1), 1, false);
    REQUIRE(words.size() >= 2);
    CHECK(words.at(0) == let_be(1).front());
    CHECK(words.at(1) == Effect{ended(1, JobState::crashed, EndedBy::worker_death, worker(1))});
}
