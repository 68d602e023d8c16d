// SPDX-License-Identifier: MIT
// What counts as had: the time of workers, between sessions and between pools.
#include <doctest/doctest.h>

#include "tests/support/conversation.hpp"

using namespace jobmill;
using namespace jobmill::core;

namespace {

constexpr PoolId other{1};

/// Jobs with odd numbers are of session 1, the others of session 2.
struct Fixture : Conversation {
    void submit_both(int pairs)
    {
        for (int i = 0; i < pairs; ++i) {
            take(submit(2 * submitted + 1, 1));
            take(submit(2 * submitted + 2, 2));
            ++submitted;
        }
    }
    /// Keeps the offer among them.
    void take(const Effects& effects)
    {
        for (const Effect& effect : effects) {
            if (const auto* offer = std::get_if<OfferJob>(&effect)) {
                running = *offer;
            }
        }
    }
    [[nodiscard]] bool first_session() const { return number(running.job) % 2 == 1; }
    void finish_running(Duration cpu, Duration ran)
    {
        now += ran;
        take(on(JobFinished{
            .worker = running.worker, .sequence = running.sequence, .cpu = cpu, .ran = ran}));
    }
    /// Of jobs that take 50 ms, those of session 2 until one of session 1 is offered.
    int others_first()
    {
        int count = 0;
        for (; !first_session(); ++count) {
            REQUIRE(count < 100);
            finish_running(milliseconds{50}, milliseconds{50});
        }
        return count;
    }
    /// A pool with one worker, whose slot that is.
    void add_pool(PoolId which, std::uint32_t slot, std::uint32_t generation, std::uint32_t weight)
    {
        on(PoolAdded{.pool = which, .workers = 1, .terms = {.weight = weight}});
        on(TemplateReady{.pool = which});
        on(WorkerForked{.worker = worker(slot, generation)});
        on(WorkerReady{.worker = worker(slot, generation)});
    }

    std::uint64_t submitted = 0;
    OfferJob running;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "whose jobs sleep in a worker has had its time all the same")
{
    serve(1);
    submit_both(30);
    int sleepers = 0;
    for (int i = 0; i < 30; ++i) {
        sleepers += first_session() ? 1 : 0;
        finish_running(first_session() ? milliseconds{1} : milliseconds{100}, milliseconds{100});
    }
    CHECK(sleepers >= 14);
    CHECK(sleepers <= 16);
}

TEST_CASE_FIXTURE(Fixture, "whose jobs use several processors has had the time of all")
{
    serve(1);
    submit_both(40);
    int broad = 0;
    for (int i = 0; i < 40; ++i) {
        broad += first_session() ? 1 : 0;
        finish_running(milliseconds{first_session() ? 300 : 100}, milliseconds{100});
    }
    CHECK(broad >= 9);
    CHECK(broad <= 11);
}

TEST_CASE_FIXTURE(Fixture, "an attempt that left no result counts as what its worker was had for")
{
    serve(1);
    submit_both(100);
    REQUIRE(first_session());
    now += seconds{1};
    on(WorkerExited{.worker = worker(1)});
    take(answer(worker(1), 1, false));
    on(WorkerForked{.worker = worker(1, 2)});
    take(on(WorkerReady{.worker = worker(1, 2)}));
    const int others = others_first();
    CHECK(others >= 19);
    CHECK(others <= 21);
}

TEST_CASE_FIXTURE(Fixture, "what a job waited for its own jobs is not had by anybody")
{
    serve(1);
    submit_both(1);
    const OfferJob parent = running;
    REQUIRE(first_session());
    on(JobSubmitted{
        .job = JobId{1001}, .session = SessionId{1}, .pool = pool, .parent = parent.job});
    submit_both(100);
    on(WorkerForked{.worker = worker(2)});
    take(on(WorkerReady{.worker = worker(2)}));
    while (running.job != JobId{1001}) {
        finish_running(milliseconds{50}, milliseconds{50});
    }
    finish_running(milliseconds{50}, milliseconds{50});
    on(WorkerExited{.worker = worker(2)});
    running = parent;
    finish_running(milliseconds{50}, seconds{11});
    REQUIRE(running.job != parent.job);
    CHECK(others_first() <= 3);
}

TEST_CASE_FIXTURE(Fixture, "a pool is not what one that is gone has had under its number")
{
    on(CapAdjusted{.max_running = 1});
    add_pool(pool, 1, 1, 1);
    add_pool(other, 2, 1, usual_weight);
    take(submit(1));
    finish_running(milliseconds{1}, seconds{1});
    on(PoolRetired{pool});
    on(WorkerExited{.worker = worker(1)});
    CHECK(on(TemplateLost{pool}).back() == Effect{PoolGone{pool}});

    add_pool(pool, 1, 2, usual_weight);
    for (std::uint64_t job = 10; job < 110; ++job) {
        take(on(JobSubmitted{.job = JobId{job}, .session = SessionId{1}, .pool = other}));
    }
    take(submit(200));
    int before = 0;
    for (; running.job != JobId{200}; ++before) {
        REQUIRE(before < 50);
        finish_running(milliseconds{1}, milliseconds{1});
    }
    CHECK(before <= 2);
}
