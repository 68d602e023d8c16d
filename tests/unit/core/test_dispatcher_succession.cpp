// SPDX-License-Identifier: MIT
// Pools that retire while others take their places: whose a job is that comes back to them.
#include <algorithm>

#include <doctest/doctest.h>

#include "tests/support/conversation.hpp"
#include "tests/support/describe.hpp"

namespace jobmill::core {
namespace {

constexpr PoolId next{1};
constexpr JobTerms tried_again{.retry_crash = 3, .backoff = Duration::zero()};

/// Pool 0 has a worker that runs job 1, and pool 1 one without work, in slot 2.
class Reload : public Conversation {
public:
    void begin(std::uint32_t depth = 1)
    {
        serve(1, depth);
        submit(1, tried_again);
        add(next, worker(2));
    }
    void add(PoolId which, WorkerId its_worker)
    {
        on(PoolAdded{.pool = which, .workers = 1});
        on(TemplateReady{which});
        on(WorkerReady{its_worker});
    }
    /// Handler 0 of pool 0 is handler 3 of the next one.
    Effects succeed(PoolId old = pool, PoolId to = next)
    {
        return on(HandlerSucceeded{.pool = old, .handler = 0, .to = to, .to_handler = 3});
    }
    /// The job dies with its worker, which had begun it.
    Effects die(WorkerId which)
    {
        exit(which);
        return answer(which, 1, false);
    }
    static JobHandedOver handed_over(std::uint64_t job, PoolId to = next)
    {
        return {.job = JobId{job}, .to = to, .handler = 3};
    }
};

bool contains(const Effects& effects, const Effect& effect)
{
    return std::find(effects.begin(), effects.end(), effect) != effects.end();
}

}  // namespace

TEST_CASE_FIXTURE(Reload, "an attempt that follows is made in the pool that follows")
{
    begin();
    CHECK(succeed().empty());
    on(PoolRetired{pool});
    const Effects effects = die(worker(1));
    REQUIRE(effects.size() >= 2);
    CHECK(std::holds_alternative<JobRetried>(effects.at(0)));
    CHECK(effects.at(1) == Effect{handed_over(1)});
    CHECK(dispatcher.counts(pool).waiting == 0);
    CHECK(dispatcher.counts(next).waiting == 1);
    const Effects offers = after(milliseconds{1});
    REQUIRE(offers.size() == 1);
    CHECK(std::get<OfferJob>(offers.at(0)).worker == worker(2));
    CHECK(std::get<OfferJob>(offers.at(0)).attempt == 2);
}

TEST_CASE_FIXTURE(Reload, "an attempt that follows at once does not begin in the old pool before")
{
    begin();
    on(PoolResized{.pool = pool, .workers = 2});
    on(WorkerReady{worker(3)});
    succeed();
    on(PoolRetired{pool});
    on(PoolSuspended{.pool = pool, .suspended = true});
    answer(worker(1), 1, false);
    on(PoolSuspended{.pool = pool, .suspended = false});
    // In one event its worker is given up and its wait is over.
    on(WorkerMisbehaved{worker(1)});
    const Effects effects = after(Patience{}.reap);
    CHECK(contains(effects, handed_over(1)));
    CHECK(contains(
        effects,
        OfferJob{.worker = worker(2), .sequence = Sequence{1}, .job = JobId{1}, .attempt = 2}));
}

TEST_CASE_FIXTURE(Reload, "what is taken back from a worker begins in the pool that follows")
{
    begin(2);
    submit(2);
    on(JobPaused{.job = JobId{1}, .paused = true});
    succeed();
    on(PoolRetired{pool});
    CHECK(answer(worker(1), 2, true) == Effects{handed_over(2), offer(worker(2), 1, 2)});
    CHECK(dispatcher.worker_of(JobId{2}) == worker(2));
}

TEST_CASE_FIXTURE(Reload, "a job of a handler that the next pool has not comes back to its own")
{
    begin();
    on(HandlerSucceeded{.pool = pool, .handler = 1, .to = next, .to_handler = 0});
    on(PoolRetired{pool});
    CHECK(die(worker(1)).size() == 2);  // it is tried again, and its worker replaced
    CHECK(dispatcher.counts(pool).waiting == 1);
    on(WorkerReady{worker(1, 2)});
    const Effects offers = after(milliseconds{1});
    REQUIRE(offers.size() == 1);
    CHECK(std::get<OfferJob>(offers.at(0)).worker == worker(1, 2));
}

TEST_CASE_FIXTURE(Reload, "the last of several pools that follow counts")
{
    begin();
    succeed();
    on(PoolRetired{pool});
    add(PoolId{2}, worker(3));
    succeed(pool, PoolId{2});
    succeed(next, PoolId{2});
    on(PoolRetired{next});
    CHECK(contains(die(worker(1)), handed_over(1, PoolId{2})));
}

TEST_CASE_FIXTURE(Reload, "nothing is handed over to a pool that retires as well")
{
    begin();
    succeed();
    on(PoolRetired{pool});
    on(PoolRetired{next});
    die(worker(1));
    CHECK(dispatcher.counts(pool).waiting == 1);
}

TEST_CASE_FIXTURE(Reload,
                  "a pool that retires does without a template while none of its jobs waits")
{
    begin();
    on(PoolRetired{pool});
    CHECK(on(TemplateLost{pool}).empty());
    CHECK(after(Patience{}.longest_backoff).empty());
    // There is nobody else to make the next attempt.
    const Effects effects = die(worker(1));
    REQUIRE(effects.size() == 2);
    CHECK(effects.at(1) == Effect{StartTemplate{pool}});
    CHECK(on(TemplateReady{pool}) == Effects{fork(worker(1, 2))});
}

TEST_CASE_FIXTURE(Reload, "a template that does not start is let be once none of its jobs waits")
{
    begin();
    submit(2);
    on(TemplateLost{pool});
    on(TemplateLost{pool});
    on(PoolRetired{pool});
    CHECK(on(TemplateLost{pool}).empty());
    on(JobMoved{.job = JobId{2}, .to = next});
    CHECK(after(Patience{}.longest_backoff).empty());
}

}  // namespace jobmill::core
