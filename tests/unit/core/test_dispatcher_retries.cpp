// SPDX-License-Identifier: MIT
// What becomes of an attempt that came to nothing.
#include <doctest/doctest.h>

#include "tests/support/conversation.hpp"

using namespace jobmill;
using namespace jobmill::core;

namespace {

constexpr JobTerms often{.retry_crash = 9,
                         .retry_timeout = 9,
                         .retry_failure = 9,
                         .run_timeout = seconds{1},
                         .backoff = milliseconds{100}};

struct Fixture : Conversation {
    /// The attempt ended like that, at worker 1; the wait is whatever was drawn.
    static bool retried(const Effects& effects, JobState state, EndedBy by,
                        std::uint32_t attempt = 1)
    {
        const auto* word = effects.empty() ? nullptr : std::get_if<JobRetried>(&effects.front());
        return word != nullptr && word->job == JobId{1} && word->state == state && word->by == by &&
               word->worker.slot == SlotId{1} && word->attempt == attempt;
    }
    /// Worker 1 dies of job 1, which it had begun, and its successor is ready.
    Effects crash(std::uint32_t generation, bool by_limit = false)
    {
        on(WorkerExited{.worker = worker(1, generation), .by_limit = by_limit});
        Effects effects = answer(worker(1, generation), 1, false);
        on(WorkerReady{worker(1, generation + 1)});
        return effects;
    }
    /// Until the next attempt's worker has it.
    Effects wait() { return after(seconds{30}); }
    static OfferJob attempt(WorkerId to, std::uint64_t sequence, std::uint32_t number)
    {
        return {.worker = to, .sequence = Sequence{sequence}, .job = JobId{1}, .attempt = number};
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a failed job with another attempt waits, and is offered again")
{
    serve(1);
    submit(1, often);
    CHECK(retried(finish(worker(1), 1, JobState::failed), JobState::failed, EndedBy::worker));
    CHECK(dispatcher.state_of(JobId{1}) == JobState::waiting);
    CHECK(dispatcher.attempt_of(JobId{1}) == 2);
    CHECK(dispatcher.counts(pool).waiting == 1);
    CHECK(dispatcher.counts(pool).retried == 1);
    CHECK(after(milliseconds{49}).empty());
    CHECK(after(milliseconds{51}) == Effects{attempt(worker(1), 2, 2)});
    JobEnded end = ended(1, JobState::succeeded, EndedBy::worker, worker(1));
    end.attempt = 2;
    CHECK(finish(worker(1), 2) == Effects{end});
}

TEST_CASE_FIXTURE(Fixture, "equal seeds draw equal waits")
{
    serve(1);
    submit(1, often);
    const Effects first = finish(worker(1), 1, JobState::failed);
    Fixture again;
    again.serve(1);
    again.submit(1, often);
    CHECK(again.finish(worker(1), 1, JobState::failed) == first);
}

TEST_CASE_FIXTURE(Fixture, "the last attempt's failure is the job's")
{
    serve(1);
    submit(1, {.retry_failure = 1});
    finish(worker(1), 1, JobState::failed);
    wait();
    JobEnded end = ended(1, JobState::failed, EndedBy::worker, worker(1));
    end.attempt = 2;
    CHECK(finish(worker(1), 2, JobState::failed) == Effects{end});
}

TEST_CASE_FIXTURE(Fixture, "a job that crashed is tried again by another process")
{
    serve(1);
    submit(1, often);
    CHECK(retried(crash(1), JobState::crashed, EndedBy::worker_death));
    CHECK(wait() == Effects{attempt(worker(1, 2), 1, 2)});
}

TEST_CASE_FIXTURE(Fixture,
                  "a job that has crashed too many workers is poison, whatever it asks for")
{
    serve(1, 1, {.poison_after = 2});
    submit(1, often);
    crash(1);
    wait();
    JobEnded end = ended(1, JobState::crashed, EndedBy::worker_death, worker(1, 2));
    end.attempt = 2;
    end.poison = true;
    CHECK(crash(2).front() == Effect{end});
}

TEST_CASE_FIXTURE(Fixture, "a job whose worker died of the job's own limit has failed")
{
    serve(1);
    submit(1);
    CHECK(crash(1, true).front() == Effect{ended(1, JobState::failed, EndedBy::limit, worker(1))});
}

TEST_CASE_FIXTURE(Fixture, "a job that went beyond its limit is tried again as one that failed")
{
    serve(1);
    submit(1, {.retry_failure = 1});
    CHECK(retried(crash(1, true), JobState::failed, EndedBy::limit));
}

TEST_CASE_FIXTURE(Fixture, "a cancelled job is not tried again")
{
    serve(1);
    submit(1, often);
    cancel(1);
    CHECK(finish(worker(1), 1, JobState::failed) ==
          Effects{ended(1, JobState::cancelled, EndedBy::cancel, worker(1))});
}

TEST_CASE_FIXTURE(Fixture, "a job that waits for its next attempt can be cancelled")
{
    serve(1);
    submit(1, often);
    finish(worker(1), 1, JobState::failed);
    JobEnded end = ended(1, JobState::cancelled, EndedBy::cancel, {}, JobState::waiting);
    end.attempt = 2;
    CHECK(cancel(1) == Effects{end});
    CHECK(wait().empty());
}

TEST_CASE_FIXTURE(Fixture, "a daemon that stops tries nothing again")
{
    serve(1);
    submit(1, often);
    on(StopRequested{.grace = seconds{10}});
    CHECK(finish(worker(1), 1, JobState::failed).front() ==
          Effect{ended(1, JobState::failed, EndedBy::worker, worker(1))});
}

TEST_CASE_FIXTURE(Fixture, "a job that waits for its next attempt ends when the daemon stops")
{
    serve(1);
    submit(1, often);
    finish(worker(1), 1, JobState::failed);
    JobEnded end = ended(1, JobState::cancelled, EndedBy::stop, {}, JobState::waiting);
    end.attempt = 2;
    CHECK(on(StopRequested{.grace = seconds{10}}).front() == Effect{end});
}

TEST_CASE_FIXTURE(Fixture, "the time to begin is that of the first attempt alone")
{
    serve(1);
    submit(1, {.retry_failure = 1, .queue_timeout = milliseconds{1}});
    finish(worker(1), 1, JobState::failed);
    submit(2);
    CHECK(after(seconds{1}).empty());
    CHECK(finish(worker(1), 2).back() == Effect{attempt(worker(1), 3, 2)});
}

TEST_CASE_FIXTURE(Fixture, "a job that ran out of its time is tried again")
{
    serve(1);
    submit(1, often);
    after(seconds{1});
    answer(worker(1), 1, false);
    after({});
    CHECK(retried(finish(worker(1), 1, JobState::failed), JobState::timed_out, EndedBy::timeout));
}
