// SPDX-License-Identifier: MIT
// Jobs that workers hold ahead of their turns: how many, and when they are taken back.
#include <doctest/doctest.h>

#include "tests/support/conversation.hpp"

using namespace jobmill;
using namespace jobmill::core;

namespace {

using std::chrono::microseconds;

struct Fixture : Conversation {
    Fixture() : Conversation(Patience{}) {}

    Effects submit_to(std::uint64_t job, std::uint16_t handler)
    {
        return on(JobSubmitted{
            .job = JobId{job}, .session = SessionId{1}, .pool = pool, .handler = handler});
    }
    /// Jobs of that length are known to the pool; the next number of a job is 2, of a sequence 2.
    void learn(Duration time)
    {
        submit(1);
        now += time;
        finish(worker(1), 1);
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "a worker holds one job while nothing is known, and as long as jobs are long")
{
    serve(1, 256);
    submit(1);
    CHECK(submit(2).empty());
    now += milliseconds{5};
    CHECK(finish(worker(1), 1).back() == Effect{offer(worker(1), 2, 2)});
    CHECK(submit(3).empty());
}

TEST_CASE_FIXTURE(Fixture, "short jobs are offered some time ahead")
{
    serve(1, 256);
    learn(microseconds{100});
    CHECK(submit(2) == Effects{offer(worker(1), 2, 2)});
    CHECK(submit(3) == Effects{offer(worker(1), 3, 3)});
    CHECK(submit(4) == Effects{offer(worker(1), 4, 4)});
    CHECK(submit(5).empty());
    now += microseconds{100};
    CHECK(finish(worker(1), 2).back() == Effect{offer(worker(1), 5, 5)});
}

TEST_CASE_FIXTURE(Fixture,
                  "each handler has a time of its own, and a worker so much work before it")
{
    serve(1, 256);
    learn(microseconds{20});
    submit_to(2, 1);
    now += microseconds{250};
    finish(worker(1), 2);
    // One of 250 us, two of 20, and no more of either.
    CHECK(submit_to(3, 1).size() == 1);
    CHECK(submit_to(4, 0).size() == 1);
    CHECK(submit_to(5, 0).size() == 1);
    CHECK(submit_to(6, 0).empty());
    CHECK(submit_to(7, 1).empty());
    now += microseconds{250};
    finish(worker(1), 3);
    CHECK(dispatcher.worker_of(JobId{6}));
    CHECK_FALSE(dispatcher.worker_of(JobId{7}));
    // Of the third handler nothing is known: its first job is alone.
    for (std::uint64_t sequence = 4; sequence <= 6; ++sequence) {
        finish(worker(1), sequence);
    }
    CHECK(dispatcher.worker_of(JobId{7}));
    CHECK(submit_to(8, 2).empty());
    finish(worker(1), 7);
    CHECK(dispatcher.worker_of(JobId{8}));
    CHECK(submit_to(9, 0).empty());
}

TEST_CASE_FIXTURE(Fixture, "who has a long job is passed by, whoever holds more short ones")
{
    serve(2, 256);
    learn(microseconds{20});
    submit_to(2, 1);
    now += seconds{1};
    finish(*dispatcher.worker_of(JobId{2}), dispatcher.worker_of(JobId{2}) == worker(1) ? 2 : 1);
    submit_to(3, 1);
    const WorkerId slow = *dispatcher.worker_of(JobId{3});
    for (std::uint64_t job = 4; job <= 10; ++job) {
        submit_to(job, 0);
        CHECK(dispatcher.worker_of(JobId{job}) == (slow == worker(1) ? worker(2) : worker(1)));
    }
}

TEST_CASE_FIXTURE(Fixture,
                  "one that has a job of a millisecond does not keep the others from theirs")
{
    serve(4, 256);
    learn(microseconds{20});
    submit_to(2, 1);
    const WorkerId first = *dispatcher.worker_of(JobId{2});
    now += milliseconds{1};
    finish(first, first == worker(1) ? 2 : 1);
    submit_to(3, 1);
    const WorkerId busy = *dispatcher.worker_of(JobId{3});
    std::uint64_t held = 0;
    for (std::uint64_t job = 4; job <= 60; ++job) {
        submit_to(job, 0);
        const auto where = dispatcher.worker_of(JobId{job});
        CHECK(where != busy);
        held += where ? 1U : 0U;
    }
    CHECK(held >= 3 * 15);
}

TEST_CASE_FIXTURE(Fixture, "the more are queued the longer ahead they are offered, to a bound")
{
    serve(1, 256);
    learn(microseconds{100});
    std::uint64_t job = 2;
    std::uint64_t done = 1;
    // It is looked at anew when it has ended one.
    const auto offered_until = [&](std::uint64_t last) {
        for (; job <= last; ++job) {
            submit(job);
        }
        ++done;
        on(JobFinished{.worker = worker(1), .sequence = Sequence{done}, .ran = microseconds{100}});
        std::uint64_t held = 0;
        while (dispatcher.worker_of(JobId{done + 1 + held})) {
            ++held;
        }
        return held;
    };
    CHECK(offered_until(20) == 3);
    CHECK(offered_until(60) == 6);     // 54 are queued, which take 5.4 ms; an eighth of it
    CHECK(offered_until(1000) == 15);  // 1.5 ms
}

TEST_CASE_FIXTURE(Fixture,
                  "of jobs of a millisecond one stands behind another while many are queued")
{
    serve(1, 256);
    learn(milliseconds{1});
    for (std::uint64_t job = 2; job <= 60; ++job) {
        submit(job);
    }
    CHECK_FALSE(
        dispatcher.worker_of(JobId{3}));  // few were queued when there was something to give
    on(JobFinished{.worker = worker(1), .sequence = Sequence{2}, .ran = milliseconds{1}});
    CHECK(dispatcher.worker_of(JobId{3}));
    CHECK(dispatcher.worker_of(JobId{4}));
    CHECK_FALSE(dispatcher.worker_of(JobId{5}));
}

TEST_CASE_FIXTURE(Fixture, "of longer ones none does")
{
    serve(1, 256);
    learn(milliseconds{2});
    for (std::uint64_t job = 2; job <= 60; ++job) {
        submit(job);
    }
    on(JobFinished{.worker = worker(1), .sequence = Sequence{2}, .ran = milliseconds{2}});
    CHECK(dispatcher.worker_of(JobId{3}));
    CHECK_FALSE(dispatcher.worker_of(JobId{4}));
}

TEST_CASE_FIXTURE(Fixture,
                  "how long jobs run is what their workers say, since results come together")
{
    serve(1, 256);
    learn(microseconds{100});
    for (std::uint64_t job = 2; job <= 12; ++job) {
        submit(job);
    }
    now += microseconds{300};
    Effects effects;
    for (std::uint64_t sequence = 2; sequence <= 4; ++sequence) {
        effects = on(JobFinished{
            .worker = worker(1), .sequence = Sequence{sequence}, .ran = microseconds{100}});
    }
    CHECK(effects.back() == Effect{offer(worker(1), 7, 7)});
    CHECK_FALSE(dispatcher.worker_of(JobId{8}));
}

TEST_CASE_FIXTURE(Fixture,
                  "what stands behind a job that takes long is taken back, and goes to another")
{
    serve(2, 256);
    learn(microseconds{100});
    for (std::uint64_t job = 2; job <= 7; ++job) {
        submit(job);
    }
    submit(8);
    // 2, 4 and 6 are with one of them, 3, 5 and 7 with the other.
    CHECK(dispatcher.worker_of(JobId{4}) == dispatcher.worker_of(JobId{2}));
    const WorkerId slow = *dispatcher.worker_of(JobId{2});
    const WorkerId quick = *dispatcher.worker_of(JobId{3});
    now += microseconds{100};
    const std::uint64_t first = slow == worker(1) ? 2 : 1;
    finish(quick, quick == worker(1) ? 2 : 1);
    // First it may say what nobody has come to read.
    CHECK(after(microseconds{900}).front() == Effect{CollectWords{slow}});
    const Effects effects = after(microseconds{1000});
    const auto asked = [&](std::uint64_t sequence) {
        return std::find(effects.begin(), effects.end(), Effect{revoke(slow, sequence)}) !=
               effects.end();
    };
    CHECK_FALSE(asked(first));
    CHECK(asked(first + 1));
    CHECK(asked(first + 2));
    // None goes to it while that takes.
    answer(slow, first + 2, true);
    CHECK(dispatcher.worker_of(JobId{6}) != slow);
    finish(slow, first);
    CHECK(dispatcher.stale_events() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a worker without work gets half of what another holds")
{
    serve(2, 256);
    learn(microseconds{100});
    for (std::uint64_t job = 2; job <= 5; ++job) {
        submit(job);
    }
    const WorkerId done = *dispatcher.worker_of(JobId{3});
    const WorkerId rich = *dispatcher.worker_of(JobId{2});
    const std::uint64_t first = done == worker(1) ? 2 : 1;
    finish(done, first);
    const Effects effects = finish(done, first + 1);
    REQUIRE(effects.size() == 2);
    const auto* asked = std::get_if<RevokeClaim>(&effects.back());
    REQUIRE(asked != nullptr);
    CHECK(asked->worker == rich);
    CHECK(answer(rich, number(asked->sequence), true).size() == 1);
    CHECK(dispatcher.worker_of(JobId{4}) == done);
}

TEST_CASE_FIXTURE(Fixture, "a job that tolerates no other has its worker to itself")
{
    serve(1, 256);
    learn(microseconds{100});
    submit(2);
    CHECK(submit(3, {.alone = true}).empty());
    CHECK(submit(4).empty());
    CHECK(finish(worker(1), 2).back() == Effect{offer(worker(1), 3, 3)});
    CHECK(submit(5).empty());
    const Effects effects = finish(worker(1), 3);
    CHECK(effects.size() == 3);
    CHECK(effects.back() == Effect{offer(worker(1), 5, 5)});
}
