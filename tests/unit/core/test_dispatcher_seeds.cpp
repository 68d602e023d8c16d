// SPDX-License-Identifier: MIT
// What random worlds have found, each come down to the conversation that it takes.
#include <algorithm>

#include <doctest/doctest.h>

#include "tests/support/conversation.hpp"

using namespace jobmill;
using namespace jobmill::core;

namespace {

struct Fixture : Conversation {
    template <typename Wanted>
    static bool has(const Effects& effects, const Wanted& wanted)
    {
        return std::find(effects.begin(), effects.end(), Effect{wanted}) != effects.end();
    }
    template <typename Kind>
    static bool has_any(const Effects& effects)
    {
        return std::any_of(effects.begin(), effects.end(), [](const Effect& effect) {
            return std::holds_alternative<Kind>(effect);
        });
    }
};

constexpr PoolTerms elastic{.min_workers = 0, .idle_timeout = seconds{1}};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a worker is not stuck while a job before the one taken back runs")
{
    serve(1, 2);
    submit(1);
    CHECK(has(after(seconds{10}), revoke(worker(1), 1)));
    submit(2);
    answer(worker(1), 1, false);
    after(seconds{11});
    cancel(2);
    CHECK_FALSE(has_any<KillWorker>(answer(worker(1), 2, true)));
}

TEST_CASE_FIXTURE(Fixture, "the time that a frozen worker lets jobs wait adds up")
{
    serve(1);
    submit(1, JobTerms{.run_timeout = seconds{3}});
    for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) {
        CHECK(has(after(seconds{3}), revoke(worker(1), sequence)));
        CHECK(has(answer(worker(1), sequence, true), offer(worker(1), sequence + 1, 1)));
    }
    after(seconds{3});
    CHECK(has(answer(worker(1), 4, true), KillWorker{worker(1)}));
}

TEST_CASE_FIXTURE(Fixture, "a word from the worker makes up for the time that jobs waited")
{
    serve(1);
    submit(1, JobTerms{.run_timeout = seconds{6}});
    after(seconds{6});
    answer(worker(1), 1, true);
    finish(worker(1), 2);
    submit(2, JobTerms{.run_timeout = seconds{6}});
    after(seconds{6});
    CHECK_FALSE(has_any<KillWorker>(answer(worker(1), 3, true)));
}

TEST_CASE_FIXTURE(Fixture, "a job is not offered behind the one that waits for it")
{
    serve(2, 4);
    submit(1);
    submit(2);
    const Effects effects = on(
        JobSubmitted{.job = JobId{3}, .session = SessionId{1}, .pool = pool, .parent = JobId{1}});
    CHECK(has(effects, offer(worker(2), 2, 3)));
}

TEST_CASE_FIXTURE(Fixture, "a slot that rests is called up for a job that somebody waits for")
{
    serve(1);
    submit(1);
    CHECK(has(on(JobSubmitted{
                  .job = JobId{2}, .session = SessionId{1}, .pool = pool, .parent = JobId{1}}),
              fork(worker(2))));
    on(ForkFailed{.worker = worker(2)});
    CHECK(has(after(seconds{5}), fork(worker(2, 2))));
}

TEST_CASE_FIXTURE(Fixture, "hints that a job is deaf do not put off its end")
{
    serve(1);
    submit(1);
    cancel(1);
    answer(worker(1), 1, false);
    bool terminated = false;
    for (int i = 0; i < 200 && !terminated; ++i) {
        now += std::chrono::microseconds{900};
        on(JobDeaf{.worker = worker(1), .sequence = Sequence{1}});
        terminated = armed && *armed <= now && has_any<TerminateWorker>(after({}));
    }
    CHECK(terminated);
    CHECK(now <= TimePoint{milliseconds{101}});
}

TEST_CASE_FIXTURE(Fixture, "who is condemned makes room for others of its job's label")
{
    serve(2);
    on(LabelAdjusted{.label = LabelId{1}, .max_running = 1});
    submit(1, LabelId{1});
    submit(2, LabelId{1});
    cancel(1);
    answer(worker(1), 1, false);
    after(milliseconds{100});  // SIGTERM
    after(seconds{5});         // SIGKILL
    const Effects effects = after(seconds{10});
    CHECK(has(effects, CondemnWorker{worker(1)}));
    CHECK(has(effects, offer(worker(2), 1, 2)));
}

TEST_CASE_FIXTURE(Fixture, "a worker that has taken another's place may leave like that one")
{
    serve(1, 1, elastic);
    submit(1);
    on(WorkerReady{.worker = worker(1)});
    finish(worker(1), 1);
    CHECK(has(on(WorkerWorn{.worker = worker(1)}), fork(worker(2))));
    CHECK(has(after(seconds{1}), DismissWorker{worker(1)}));
    on(WorkerReady{.worker = worker(2)});
    exit(worker(1));
    CHECK(has(after(seconds{1}), DismissWorker{worker(2)}));
}
