// SPDX-License-Identifier: MIT
// Jobs that belong together: batches that give up, jobs that wait for jobs of their own.
#include <doctest/doctest.h>

#include "tests/support/conversation.hpp"

using namespace jobmill;
using namespace jobmill::core;

namespace {

constexpr BatchId crew{1};
constexpr LabelId red{1};

struct Fixture : Conversation {
    using Conversation::Conversation;
    void open(const HaltRule& rule) { on(BatchOpened{.batch = crew, .halt = rule}); }
    Effects submit_child(std::uint64_t job, std::uint64_t parent)
    {
        return on(JobSubmitted{
            .job = JobId{job}, .session = SessionId{1}, .pool = pool, .parent = JobId{parent}});
    }
    Effects submit_child(std::uint64_t job, std::uint64_t parent, LabelId label)
    {
        return on(JobSubmitted{.job = JobId{job},
                               .session = SessionId{1},
                               .pool = pool,
                               .label = label,
                               .parent = JobId{parent}});
    }
    /// The job that is offered.
    static std::optional<JobId> begins(const Effects& effects)
    {
        for (const Effect& effect : effects) {
            if (const auto* offer = std::get_if<OfferJob>(&effect)) {
                return offer->job;
            }
        }
        return {};
    }
    [[nodiscard]] JobEnded halted(std::uint64_t job, WorkerId where = {},
                                  JobState was = JobState::queued) const
    {
        return ended(job, JobState::cancelled, EndedBy::halt, where, was);
    }
};

/// In which few jobs end at once.
struct Hasty : Fixture {
    Hasty() : Fixture({.ahead = forever, .ends_at_once = 2}) {}
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a batch that gives up takes along what has not begun")
{
    serve(1);
    open({.fail = 1});
    submit(1, crew);
    submit(2, crew);
    submit(3);
    CHECK(finish(worker(1), 1, JobState::failed) ==
          Effects{ended(1, JobState::failed, EndedBy::worker, worker(1)), offer(worker(1), 2, 2),
                  BatchHalted{crew}, revoke(worker(1), 2)});
    CHECK(answer(worker(1), 2, true) == Effects{halted(2), offer(worker(1), 3, 3)});
    CHECK(dispatcher.counts(crew).halted);
    CHECK(dispatcher.counts(crew).cancelled == 1);
}

TEST_CASE_FIXTURE(Fixture, "a batch that gives up soon lets what runs come to its end")
{
    serve(2);
    open({.fail = 1});
    submit(1, crew);
    submit(2, crew);
    submit(3, crew);
    finish(worker(1), 1, JobState::failed);
    CHECK(dispatcher.state_of(JobId{3}) == JobState::running);
    CHECK(answer(worker(2), 1, false).empty());
    CHECK(finish(worker(2), 1) ==
          Effects{ended(2, JobState::succeeded, EndedBy::worker, worker(2))});
}

TEST_CASE_FIXTURE(Fixture, "a batch that gives up now cancels what runs")
{
    serve(2);
    open({.now = true, .fail = 1});
    submit(1, crew);
    submit(2, crew);
    CHECK(finish(worker(1), 1, JobState::failed) ==
          Effects{ended(1, JobState::failed, EndedBy::worker, worker(1)), BatchHalted{crew},
                  revoke(worker(2), 1)});
    CHECK(answer(worker(2), 1, false) == Effects{flag(worker(2), 1)});
    CHECK(finish(worker(2), 1, JobState::failed) ==
          Effects{halted(2, worker(2), JobState::running)});
}

TEST_CASE_FIXTURE(Hasty, "a large batch gives up bit by bit, and nothing more of it begins")
{
    serve(2);
    open({.fail = 1});
    for (std::uint64_t job = 1; job <= 7; ++job) {
        submit(job, crew);
    }
    submit(8);
    armed.reset();
    // The third was offered before it was known; it and the second are asked back.
    CHECK(finish(worker(1), 1, JobState::failed) ==
          Effects{ended(1, JobState::failed, EndedBy::worker, worker(1)), offer(worker(1), 2, 3),
                  BatchHalted{crew}, revoke(worker(1), 2), revoke(worker(2), 1)});
    CHECK(armed == now);
    CHECK(answer(worker(2), 1, false).empty());
    // The queue's first two go in place of being offered; others have their turn when it fires.
    CHECK(finish(worker(2), 1) ==
          Effects{ended(2, JobState::succeeded, EndedBy::worker, worker(2)), halted(4), halted(5)});
    CHECK(after({}) == Effects{halted(6), halted(7), offer(worker(2), 2, 8)});
    // It looks once more, whether there is another.
    CHECK(armed == now);
    CHECK(after({}).empty());
    CHECK_FALSE(armed == now);
}

TEST_CASE_FIXTURE(Fixture, "a batch that has given up takes no more jobs")
{
    serve(1);
    open({.fail = 1});
    submit(1, crew);
    finish(worker(1), 1, JobState::failed);
    CHECK(submit(2, crew) == Effects{halted(2)});
}

TEST_CASE_FIXTURE(Fixture, "what fails in a batch that has given up is not tried again")
{
    serve(2);
    open({.fail = 1});
    submit(1, crew);
    on(JobSubmitted{.job = JobId{2},
                    .session = SessionId{1},
                    .pool = pool,
                    .batch = crew,
                    .terms = {.retry_failure = 5}});
    finish(worker(1), 1, JobState::failed);
    CHECK(finish(worker(2), 1, JobState::failed) ==
          Effects{ended(2, JobState::failed, EndedBy::worker, worker(2))});
}

TEST_CASE_FIXTURE(Fixture, "jobs of a batch that wait for their times go with it")
{
    serve(1);
    open({.fail = 1});
    submit(1, crew);
    on(JobSubmitted{.job = JobId{2},
                    .session = SessionId{1},
                    .pool = pool,
                    .batch = crew,
                    .terms = {.delay = seconds{9}}});
    CHECK(finish(worker(1), 1, JobState::failed).back() ==
          Effect{halted(2, {}, JobState::waiting)});
}

TEST_CASE_FIXTURE(Fixture, "a closed batch is forgotten after its last job")
{
    serve(1);
    open({});
    submit(1, crew);
    on(BatchClosed{.batch = crew});
    CHECK(dispatcher.counts(crew).running == 1);
    finish(worker(1), 1);
    CHECK(dispatcher.counts(crew).submitted == 0);
}

TEST_CASE_FIXTURE(Fixture, "a closed batch gives up though its last jobs expire at the same time")
{
    on(PoolAdded{.pool = pool});
    open({.fail = 1});
    for (const std::uint64_t job : {1U, 2U}) {
        on(JobSubmitted{.job = JobId{job},
                        .session = SessionId{1},
                        .pool = pool,
                        .batch = crew,
                        .terms = {.queue_timeout = seconds{1}}});
    }
    on(BatchClosed{.batch = crew});
    const Effects effects = after(seconds{1});
    CHECK(effects.size() == 3);
    CHECK(effects.back() == Effect{BatchHalted{.batch = crew}});
    CHECK(dispatcher.counts(crew).submitted == 0);
}

TEST_CASE_FIXTURE(Fixture, "a job that waits for its own job has another worker hired for that")
{
    serve(1);
    submit(1);
    CHECK(submit_child(2, 1) == Effects{revoke(worker(1), 1), fork(worker(2))});
    answer(worker(1), 1, false);
    CHECK(dispatcher.counts(pool).lent == 1);
    CHECK(on(WorkerReady{worker(2)}) == Effects{offer(worker(2), 1, 2)});
    CHECK(finish(worker(2), 1) == Effects{ended(2, JobState::succeeded, EndedBy::worker, worker(2)),
                                          DismissWorker{worker(2)}});
    CHECK(dispatcher.counts(pool).lent == 0);
}

TEST_CASE_FIXTURE(Fixture, "a worker whose job waits for its own jobs is given no other")
{
    serve(1, 4);
    submit(1);
    submit(2);
    CHECK(submit_child(3, 1) ==
          Effects{revoke(worker(1), 2), revoke(worker(1), 1), fork(worker(2))});
    CHECK(answer(worker(1), 2, true).empty());
    answer(worker(1), 1, false);
    CHECK(on(WorkerReady{worker(2)}) == Effects{offer(worker(2), 1, 2), offer(worker(2), 2, 3)});
}

TEST_CASE_FIXTURE(Fixture, "a job that waits for its own jobs does not count as running")
{
    serve(2, 1, {.max_running = 1});
    submit(1);
    CHECK(submit_child(2, 1).back() == Effect{offer(worker(2), 1, 2)});
}

TEST_CASE_FIXTURE(Fixture, "a job that waits for its own jobs leaves them its label's place")
{
    serve(2);
    on(LabelAdjusted{.label = red, .max_running = 1});
    submit(1, red);
    CHECK(submit_child(2, 1, red).back() == Effect{offer(worker(2), 1, 2)});
    CHECK(dispatcher.running(red) == 2);
    answer(worker(1), 1, false);
    on(WorkerReady{.worker = worker(3)});
    CHECK(submit(3, red).empty());
    // The first job goes on, so no other begins.
    CHECK_FALSE(begins(finish(worker(2), 1)));
    CHECK(dispatcher.running(red) == 1);
    CHECK(begins(finish(worker(1), 1)) == JobId{3});
}

TEST_CASE_FIXTURE(Fixture, "a job that waits for its own jobs makes room for its label elsewhere")
{
    serve(2);
    on(LabelAdjusted{.label = red, .max_running = 1});
    submit(1, red);
    submit(2, red);
    CHECK(begins(submit_child(3, 1)) == JobId{2});
}

TEST_CASE_FIXTURE(Fixture, "slots are lent for one job once, and not beyond the bound")
{
    serve(1, 1, {.max_lent = 1});
    submit(1);
    submit_child(2, 1);
    CHECK(submit_child(3, 1).empty());
    answer(worker(1), 1, false);
    on(WorkerReady{worker(2)});
    CHECK(submit_child(4, 2) == Effects{revoke(worker(2), 1)});
    CHECK(dispatcher.counts(pool).lent == 1);
}

TEST_CASE_FIXTURE(Fixture, "a job that ends before its own jobs gives the lent slot back")
{
    serve(1);
    submit(1);
    submit_child(2, 1);
    finish(worker(1), 1);
    CHECK(dispatcher.counts(pool).lent == 0);
    CHECK(dispatcher.state_of(JobId{2}) == JobState::running);
}

TEST_CASE_FIXTURE(Fixture, "who names a job that does not run as its submitter lends nothing")
{
    serve(1);
    submit(1);
    submit(2);
    CHECK(submit_child(3, 2).empty());
    CHECK(submit_child(4, 99).empty());
    CHECK(dispatcher.counts(pool).lent == 0);
}
