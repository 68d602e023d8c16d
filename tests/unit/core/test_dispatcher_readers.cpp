// SPDX-License-Identifier: MIT
// Clients that leave unread what they are told: their jobs wait, nobody else's do.
#include <set>

#include <doctest/doctest.h>

#include "daemon/core/job_book.hpp"
#include "tests/support/conversation.hpp"

using namespace jobmill;
using namespace jobmill::core;

namespace {

constexpr UserId ann{1000};
constexpr UserId bob{1001};

struct Fixture : Conversation {
    Effects suspend(UserId user, bool suspended)
    {
        return on(UserSuspended{.user = user, .suspended = suspended});
    }
    Effects submit_of(std::uint64_t job, UserId user, bool detached = false)
    {
        return on(JobSubmitted{.job = JobId{job},
                               .session = SessionId{number(user)},
                               .pool = pool,
                               .user = user,
                               .detached = detached});
    }
    Effects fall_behind(std::uint64_t session)
    {
        return on(SessionBehind{.session = SessionId{session}, .behind = true});
    }
    Effects catch_up(std::uint64_t session)
    {
        return on(SessionBehind{.session = SessionId{session}, .behind = false});
    }
    Effects submit_child(std::uint64_t job, std::uint64_t session, std::uint64_t parent)
    {
        return on(JobSubmitted{.job = JobId{job},
                               .session = SessionId{session},
                               .pool = pool,
                               .parent = JobId{parent}});
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "no job begins whose client does not read, until it has")
{
    serve(2);
    submit(1, 1);
    CHECK(fall_behind(1).empty());
    CHECK(submit(2, 1).empty());
    CHECK(finish(worker(1), 1).size() == 1);
    CHECK(catch_up(1) == Effects{offer(worker(1), 2, 2)});
}

TEST_CASE_FIXTURE(Fixture,
                  "no job of a user that is held begins, detached or not, until he is let go")
{
    serve(2);
    submit_of(1, ann);
    CHECK(suspend(ann, true).empty());
    CHECK(submit_of(2, ann).empty());
    CHECK(submit_of(3, ann, true).empty());
    CHECK(submit_of(4, bob) == Effects{offer(worker(2), 1, 4)});
    CHECK(finish(worker(1), 1).size() == 1);
    CHECK(suspend(ann, false) == Effects{offer(worker(1), 2, 2)});
    CHECK(suspend(ann, false).empty());
    CHECK(finish(worker(1), 2).back() == Effect{offer(worker(1), 3, 3)});
}

TEST_CASE_FIXTURE(Fixture, "who was held has no more than his share afterwards")
{
    serve(1);
    suspend(ann, true);
    for (std::uint64_t job = 1; job <= 20; ++job) {
        submit_of(job, ann);
        submit_of(100 + job, bob);
    }
    for (std::uint64_t sequence = 1; sequence <= 10; ++sequence) {
        finish(worker(1), sequence);
    }
    suspend(ann, false);
    std::set<std::uint64_t> users;
    for (std::uint64_t sequence = 11; sequence <= 14; ++sequence) {
        const Effects effects = finish(worker(1), sequence);
        users.insert(number(std::get<OfferJob>(effects.back()).job) / 100);
    }
    CHECK(users.size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "the jobs of others pass those of a client that does not read")
{
    serve(1);
    fall_behind(1);
    submit(1, 1);
    CHECK(submit(2, 2) == Effects{offer(worker(1), 1, 2)});
    CHECK(finish(worker(1), 1).size() == 1);
    CHECK(submit(3, 2) == Effects{offer(worker(1), 2, 3)});
}

TEST_CASE_FIXTURE(Fixture, "what runs is let finish when its client does not read")
{
    serve(1);
    submit(1, 1);
    CHECK(fall_behind(1).empty());
    CHECK(finish(worker(1), 1) ==
          Effects{ended(1, JobState::succeeded, EndedBy::worker, worker(1))});
}

TEST_CASE_FIXTURE(Fixture,
                  "what a worker has not begun is taken back when its client does not read")
{
    serve(1, 4);
    submit(1, 1);
    submit(2, 1);
    submit(3, 1, true);
    submit(4, 2);
    submit(5, 1);
    CHECK(fall_behind(1) == Effects{revoke(worker(1), 2)});
    CHECK(answer(worker(1), 2, true).empty());
    finish(worker(1), 1);
    finish(worker(1), 3);
    finish(worker(1), 4);
    CHECK_FALSE(dispatcher.worker_of(JobId{2}));
    CHECK_FALSE(dispatcher.worker_of(JobId{5}));
    CHECK(catch_up(1) == Effects{offer(worker(1), 5, 2), offer(worker(1), 6, 5)});
}

TEST_CASE_FIXTURE(Fixture, "a detached job does not wait for the client that submitted it")
{
    serve(1);
    fall_behind(1);
    CHECK(submit(1, 1, true) == Effects{offer(worker(1), 1, 1)});
}

TEST_CASE_FIXTURE(Fixture, "a job that waits for its client to read can be cancelled")
{
    serve(1);
    fall_behind(1);
    submit(1, 1);
    CHECK(cancel(1) ==
          Effects{ended(1, JobState::cancelled, EndedBy::cancel, {}, JobState::queued)});
}

TEST_CASE_FIXTURE(Fixture, "a job that waits for its client to read expires in its time")
{
    serve(1);
    fall_behind(1);
    submit(1, {.queue_timeout = seconds{1}});
    CHECK(after(seconds{1}) ==
          Effects{ended(1, JobState::expired, EndedBy::deadline, {}, JobState::queued)});
}

TEST_CASE_FIXTURE(Fixture, "a retry waits for its client to read as the first attempt did")
{
    serve(1);
    submit(1, {.retry_failure = 1});
    fall_behind(1);
    finish(worker(1), 1, JobState::failed);
    CHECK(after(seconds{1}).empty());
    CHECK(dispatcher.state_of(JobId{1}) == JobState::queued);
    CHECK(catch_up(1).size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a job whose time comes while its client does not read waits on")
{
    serve(1);
    fall_behind(1);
    submit(1, {.delay = seconds{1}});
    CHECK(after(seconds{1}).empty());
    CHECK(catch_up(1) == Effects{offer(worker(1), 1, 1)});
}

TEST_CASE_FIXTURE(Fixture, "a job that others wait for waits for its client to read, too")
{
    serve(1);
    submit(1, 1);
    fall_behind(2);
    CHECK(submit_child(2, 2, 1) == Effects{revoke(worker(1), 1)});
    CHECK(answer(worker(1), 1, false).empty());
    CHECK(dispatcher.counts(pool).lent == 1);
    CHECK(catch_up(2) == Effects{fork(worker(2))});
    CHECK(on(WorkerReady{.worker = worker(2)}) == Effects{offer(worker(2), 1, 2)});
}

TEST_CASE_FIXTURE(Fixture, "a session that ends while it does not read takes its jobs with it")
{
    serve(1);
    fall_behind(1);
    submit(1, 1);
    CHECK(on(SessionLost{.session = SessionId{1}}) ==
          Effects{ended(1, JobState::cancelled, EndedBy::cancel, {}, JobState::queued)});
    CHECK(submit(2, 1) == Effects{offer(worker(1), 1, 2)});
}

TEST_CASE_FIXTURE(Fixture, "a stop takes the jobs of a client that does not read")
{
    serve(1);
    fall_behind(1);
    submit(1, 1);
    CHECK(on(StopRequested{.grace = seconds{1}}).front() ==
          Effect{ended(1, JobState::cancelled, EndedBy::stop, {}, JobState::queued)});
}

TEST_CASE_FIXTURE(Fixture, "who goes on reading twice, or never stopped, changes nothing")
{
    serve(1);
    submit(1, 1);
    submit(2, 1);
    CHECK(catch_up(1).empty());
    CHECK(catch_up(7).empty());
    fall_behind(1);
    fall_behind(1);
    CHECK(catch_up(1).empty());
    CHECK(finish(worker(1), 1).back() == Effect{offer(worker(1), 2, 2)});
}

TEST_CASE_FIXTURE(Fixture, "no worker is fetched for jobs that may not begin")
{
    serve(1, 1, {.min_workers = 0});
    fall_behind(1);
    CHECK(submit(1, 1).empty());
    CHECK(after(seconds{1}).empty());
    CHECK(catch_up(1) == Effects{fork(worker(1))});
}

TEST_CASE_FIXTURE(Fixture, "what a session did not get while it did not read is not made up for")
{
    serve(1);
    std::uint64_t job = 0;
    for (int i = 0; i < 40; ++i) {
        submit(++job, 1);
        submit(++job, 2);
    }
    fall_behind(1);
    std::uint64_t sequence = 0;
    for (int i = 0; i < 20; ++i) {
        finish(worker(1), ++sequence);
    }
    catch_up(1);
    int served = 0;
    for (int i = 0; i < 10; ++i) {
        const Effects effects = finish(worker(1), ++sequence);
        served += number(std::get<OfferJob>(effects.back()).job) % 2 == 1 ? 1 : 0;
    }
    CHECK(served >= 5);
    CHECK(served <= 6);
}

TEST_CASE_FIXTURE(Fixture, "a job that waits for its reader lends its place, until it goes on")
{
    serve(1);
    submit(1, 1);
    submit(2, 2);
    // What it holds may not have begun.
    CHECK(on(JobPaused{.job = JobId{1}, .paused = true, .for_long = true}) ==
          Effects{revoke(worker(1), 1), fork(worker(2))});
    answer(worker(1), 1, false);
    CHECK(dispatcher.counts(pool).lent == 1);
    CHECK(on(WorkerReady{worker(2)}) == Effects{offer(worker(2), 1, 2)});
    on(JobPaused{.job = JobId{1}, .paused = false});
    CHECK(dispatcher.counts(pool).lent == 0);
}

TEST_CASE_FIXTURE(Fixture, "a place that was lent is the pool's again when its job has ended")
{
    serve(1);
    submit(1, 1);
    on(JobPaused{.job = JobId{1}, .paused = true, .for_long = true});
    answer(worker(1), 1, false);
    finish(worker(1), 1);
    CHECK(dispatcher.counts(pool).lent == 0);
    // Too late for that one, and nothing to it that waits.
    on(JobPaused{.job = JobId{1}, .paused = true, .for_long = true});
    submit(2, {.delay = seconds{1}});
    on(JobPaused{.job = JobId{2}, .paused = true, .for_long = true});
    CHECK(dispatcher.counts(pool).lent == 0);
}

TEST_CASE_FIXTURE(Fixture, "who waits for his reader and for his jobs goes on after both")
{
    serve(1);
    submit(1, 1);
    on(JobPaused{.job = JobId{1}, .paused = true, .for_long = true});
    answer(worker(1), 1, false);
    submit_child(2, 1, 1);
    CHECK(on(WorkerReady{worker(2)}) == Effects{offer(worker(2), 1, 2)});
    // The reader is ready first, then the child.
    on(JobPaused{.job = JobId{1}, .paused = false});
    CHECK(dispatcher.counts(pool).lent == 1);
    finish(worker(2), 1);
    CHECK(dispatcher.counts(pool).lent == 0);
    // The other way round.
    on(JobPaused{.job = JobId{1}, .paused = true, .for_long = true});
    on(JobSubmitted{.job = JobId{3},
                    .session = SessionId{1},
                    .pool = pool,
                    .parent = JobId{1},
                    .terms = {.delay = seconds{1}}});
    on(CancelRequested{.job = JobId{3}});
    CHECK(dispatcher.unfinished_jobs() == 1);
    CHECK(dispatcher.counts(pool).lent == 1);
    on(JobPaused{.job = JobId{1}, .paused = false});
    CHECK(dispatcher.counts(pool).lent == 0);
}

TEST_CASE_FIXTURE(Fixture, "who does not read leaves places to others, however many jobs he has")
{
    constexpr std::uint32_t many = JobBook::many_lent;
    serve(1);
    for (std::uint64_t job = 1; job <= many + 10; ++job) {
        submit_of(job, ann);
    }
    for (std::uint32_t slot = 1; slot <= many; ++slot) {
        if (slot > 1) {
            on(WorkerForked{.worker = worker(slot)});
            on(WorkerReady{.worker = worker(slot)});
        }
        REQUIRE(dispatcher.worker_of(JobId{slot}) == worker(slot));
        on(JobPaused{.job = JobId{slot}, .paused = true, .for_long = true});
        answer(worker(slot), 1, false);
    }
    CHECK(dispatcher.counts(pool).lent == many);
    // There is a place more, but not for her.
    const WorkerId last = worker(many + 1);
    CHECK(submit_of(1000, bob) == Effects{fork(last)});
    on(WorkerForked{.worker = last});
    CHECK(on(WorkerReady{.worker = last}) == Effects{offer(last, 1, 1000)});
    CHECK(finish(last, 1) == Effects{ended(1000, JobState::succeeded, EndedBy::worker, last)});
    // Until one of her readers has read.
    on(JobPaused{.job = JobId{1}, .paused = false});
    finish(worker(1), 1);
    CHECK(dispatcher.worker_of(JobId{many + 1}).has_value());
}
