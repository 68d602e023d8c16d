// SPDX-License-Identifier: MIT
// Jobs that workers hold ahead of their turns: how many, and when they are taken back.
#include <algorithm>

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
    /// A great many of a millisecond, of one lane, and for long; the worker's first is of sequence
    /// 3, and runs since now.
    void queue_deep()
    {
        now += milliseconds{100};
        learn(milliseconds{1});
        for (std::uint64_t job = 2; job <= 400; ++job) {
            submit(job);
        }
        now += milliseconds{1};
        finish(worker(1), 2);
    }
    /// The worker has finished that one, which it says has taken so long.
    void say_done(std::uint64_t sequence, Duration ran)
    {
        on(JobFinished{.worker = worker(1), .sequence = Sequence{sequence}, .ran = ran});
    }
    /// So many jobs are with the worker.
    [[nodiscard]] std::size_t held() const
    {
        std::size_t count = 0;
        for (std::uint64_t job = 1; job <= 1000; ++job) {
            count += dispatcher.worker_of(JobId{job}) ? 1U : 0U;
        }
        return count;
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

TEST_CASE_FIXTURE(Fixture,
                  "who is done with several jobs gets the next ones after the last of them")
{
    const auto offers = [](const Effects& effects) {
        return std::count_if(effects.begin(), effects.end(), [](const Effect& each) {
            return std::holds_alternative<OfferJob>(each);
        });
    };
    const auto finish_one_of_more = [this](std::uint64_t sequence) {
        return on(JobFinished{.worker = worker(1), .sequence = Sequence{sequence}, .more = true});
    };
    serve(1, 4);
    learn(microseconds{20});
    for (std::uint64_t job = 2; job <= 20; ++job) {
        submit(job);
    }
    CHECK(offers(finish_one_of_more(2)) == 0);
    CHECK(offers(finish_one_of_more(3)) == 0);
    CHECK(offers(finish(worker(1), 4)) == 3);
    CHECK(offers(finish_one_of_more(5)) == 0);
    CHECK(offers(on(WordsHeard{worker(1)})) == 1);
    CHECK(offers(on(WordsHeard{worker(1)})) == 0);
}

TEST_CASE_FIXTURE(Fixture, "what is submitted together is offered once all of it is there")
{
    serve(1, 256);
    learn(microseconds{100});
    for (std::uint64_t job = 2; job <= 6; ++job) {
        CHECK(
            on(JobSubmitted{.job = JobId{job}, .session = SessionId{1}, .pool = pool, .more = true})
                .empty());
    }
    CHECK(on(SubmitsHeard{pool}) ==
          Effects{offer(worker(1), 2, 2), offer(worker(1), 3, 3), offer(worker(1), 4, 4)});
    CHECK(on(SubmitsHeard{pool}).empty());
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

TEST_CASE_FIXTURE(Fixture, "of jobs that are longer than that none stands behind another")
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

TEST_CASE_FIXTURE(Fixture, "where no other lane was queued lately the bound is a longer one")
{
    serve(1, 256);
    queue_deep();
    CHECK(held() == 12);
    // Of jobs of 5 ms one still stands behind another.
    for (std::uint64_t sequence = 3; sequence <= 102; ++sequence) {
        say_done(sequence, milliseconds{5});
    }
    CHECK(held() == 2);
}

TEST_CASE_FIXTURE(Fixture, "where results were bulky lately the bound is the usual one")
{
    serve(1, 256);
    queue_deep();
    for (std::uint64_t sequence = 3; sequence <= 20; ++sequence) {
        on(JobFinished{.worker = worker(1),
                       .sequence = Sequence{sequence},
                       .ran = milliseconds{1},
                       .bulky = true});
    }
    CHECK(held() == 1);
    now += milliseconds{99};
    say_done(21, milliseconds{1});
    CHECK(held() == 1);
    now += milliseconds{1};
    say_done(22, milliseconds{1});
    CHECK(held() == 12);
}

TEST_CASE_FIXTURE(Fixture, "one that goes before others does not wait for what was given ahead")
{
    serve(1, 256);
    queue_deep();
    const JobId newcomer{1000};
    const Effects effects = on(JobSubmitted{
        .job = newcomer, .session = SessionId{2}, .pool = pool, .terms = {.priority = 1}});
    // All come back but the first, from the last on, until there is work for no more than 1.5 ms.
    REQUIRE(effects.size() == 11);
    CHECK(effects.front() == Effect{revoke(worker(1), 14)});
    CHECK(effects.back() == Effect{revoke(worker(1), 4)});
    for (std::uint64_t sequence = 14; sequence >= 4; --sequence) {
        answer(worker(1), sequence, true);
    }
    CHECK_FALSE(dispatcher.worker_of(newcomer));
    now += milliseconds{1};
    finish(worker(1), 3);
    CHECK(dispatcher.worker_of(newcomer) == worker(1));
    CHECK(held() == 1);
    // While others were there a moment ago workers have no more than that.
    now += milliseconds{99};
    say_done(15, milliseconds{1});
    CHECK(held() == 1);
    now += milliseconds{1};
    say_done(16, milliseconds{1});
    CHECK(held() == 12);
    CHECK(dispatcher.stale_events() == 0);
}

TEST_CASE_FIXTURE(Fixture,
                  "who was given much may let results wait for a while before anybody asks")
{
    serve(1, 256);
    queue_deep();
    CHECK(after(milliseconds{2}).empty());
    CHECK(after(milliseconds{1}) == Effects{CollectWords{worker(1)}});
    // Then it is known to run the first.
    CHECK(after(milliseconds{1}).front() == Effect{revoke(worker(1), 14)});
}

TEST_CASE_FIXTURE(Fixture, "nobody looks at a worker whose results keep coming")
{
    serve(1, 256);
    queue_deep();
    for (std::uint64_t sequence = 3; sequence <= 100; sequence += 2) {
        now += milliseconds{2};
        REQUIRE(armed);
        CHECK(*armed > now);
        say_done(sequence, milliseconds{1});
        say_done(sequence + 1, milliseconds{1});
    }
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
    CHECK(after(microseconds{900}).empty());
    CHECK(after(microseconds{100}).front() == Effect{CollectWords{slow}});
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

TEST_CASE_FIXTURE(Fixture, "what stands behind a job that is paused goes elsewhere at once")
{
    serve(1, 256);
    learn(microseconds{100});
    submit(2);
    submit(3);
    CHECK(dispatcher.worker_of(JobId{3}) == worker(1));
    const Effects effects = on(JobPaused{.job = JobId{2}, .paused = true});
    CHECK(effects == Effects{revoke(worker(1), 3), revoke(worker(1), 2)});
    answer(worker(1), 2, false);
    answer(worker(1), 3, true);
    CHECK(dispatcher.counts(pool).lent == 0);
    CHECK_FALSE(dispatcher.worker_of(JobId{3}));
    // Nor does anything join it once its reader has read a little.
    on(JobPaused{.job = JobId{2}, .paused = false});
    submit(4);
    CHECK_FALSE(dispatcher.worker_of(JobId{4}));
    CHECK(finish(worker(1), 2).back() == Effect{offer(worker(1), 5, 4)});
}

TEST_CASE_FIXTURE(Fixture, "what was said before a job that is known to run is heard at once")
{
    serve(1, 256);
    learn(microseconds{100});
    submit(2, {.run_timeout = seconds{1}});
    submit(3, {.run_timeout = seconds{1}});
    CHECK_FALSE(dispatcher.is_overtaken(JobId{2}));
    on(JobPaused{.job = JobId{2}, .paused = true});
    CHECK(answer(worker(1), 2, false).empty());
    CHECK(answer(worker(1), 3, false) == Effects{HearOut{worker(1)}});
    CHECK(dispatcher.is_overtaken(JobId{2}));
    CHECK_FALSE(dispatcher.is_overtaken(JobId{3}));
    CHECK_FALSE(dispatcher.is_overtaken(JobId{4}));
    // The time of the one that runs is counted from then on.
    now += seconds{1};
    finish(worker(1), 2);
    CHECK(after(seconds{1}).back() == Effect{flag(worker(1), 3)});
}

TEST_CASE_FIXTURE(Fixture, "a worker is not sent more ahead than its link takes")
{
    serve(1, 256);
    learn(microseconds{1});
    const auto submit_large = [&](std::uint64_t job, std::uint32_t size) {
        on(JobSubmitted{
            .job = JobId{job}, .session = SessionId{1}, .pool = pool, .offer_size = size});
    };
    for (std::uint64_t job = 2; job <= 5; ++job) {
        submit_large(job, 60'000);
    }
    CHECK(dispatcher.counts(pool).running == 2);
    // Whatever its size, one goes to who has none.
    finish(worker(1), 2);
    finish(worker(1), 3);
    CHECK(dispatcher.counts(pool).running == 2);
    finish(worker(1), 4);
    finish(worker(1), 5);
    for (std::uint64_t job = 6; job <= 8; ++job) {
        submit_large(job, 130'000);
    }
    CHECK(dispatcher.counts(pool).running == 1);
    finish(worker(1), 6);
    CHECK(dispatcher.counts(pool).running == 1);
}

TEST_CASE_FIXTURE(Fixture, "a job expires in time that no worker has begun, though one holds it")
{
    serve(1, 256);
    learn(microseconds{100});
    submit(2);
    submit(3, {.queue_timeout = seconds{1}});
    const WorkerId holder = worker(1);
    CHECK(dispatcher.worker_of(JobId{3}) == holder);
    const Effects asked = after(seconds{1});
    CHECK(std::find(asked.begin(), asked.end(), Effect{revoke(holder, 3)}) != asked.end());
    CHECK(answer(holder, 3, true) ==
          Effects{ended(3, JobState::expired, EndedBy::deadline, {}, JobState::queued)});
    // One that it has begun after all goes on.
    submit(4, {.queue_timeout = seconds{1}});
    finish(holder, 2);
    const Sequence sequence{4};
    CHECK(dispatcher.job_of(holder, sequence) == JobId{4});
    CHECK(after(seconds{1}).front() == Effect{revoke(holder, 4)});
    answer(holder, 4, false);
    CHECK(after(seconds{60}).empty());
    CHECK(finish(holder, 4).front() ==
          Effect{ended(4, JobState::succeeded, EndedBy::worker, holder)});
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

TEST_CASE_FIXTURE(Fixture, "nobody is woken for what one that is awake has done as soon")
{
    serve(2, 256);
    learn(microseconds{1});
    for (std::uint64_t job = 2; job <= 21; ++job) {
        CHECK(submit(job) == Effects{offer(worker(1), job, job)});
    }
    submit(22);
    CHECK(dispatcher.worker_of(JobId{22}) == worker(2));
    submit(23);
    CHECK(dispatcher.worker_of(JobId{23}) == worker(2));
}

TEST_CASE_FIXTURE(Fixture, "who has been late for a while gets nothing before an idle one")
{
    serve(2, 256);
    learn(microseconds{1});
    submit(2);
    now += microseconds{199};
    submit(3);
    CHECK(dispatcher.worker_of(JobId{3}) == worker(1));
    now += microseconds{1};
    submit(4);
    CHECK(dispatcher.worker_of(JobId{4}) == worker(2));
}

TEST_CASE_FIXTURE(Fixture, "of a handler of which nothing is known each job has a worker")
{
    serve(2, 256);
    learn(microseconds{1});
    submit(2);
    submit_to(3, 1);
    CHECK(dispatcher.worker_of(JobId{3}) == worker(2));
}

TEST_CASE_FIXTURE(Fixture, "what a worker has done soon is not shared out")
{
    serve(2, 256);
    learn(microseconds{4});
    submit_to(2, 1);
    REQUIRE(dispatcher.worker_of(JobId{2}) == worker(1));
    for (std::uint64_t job = 3; job <= 6; ++job) {
        submit(job);
        REQUIRE(dispatcher.worker_of(JobId{job}) == worker(2));
    }
    const auto asked_back = [&] {
        const Effects effects = finish(worker(1), 2);
        return std::count_if(effects.begin(), effects.end(), [](const Effect& effect) {
            return std::holds_alternative<RevokeClaim>(effect);
        });
    };
    SUBCASE("")
    {
        CHECK(asked_back() == 0);
    }
    SUBCASE("but what takes longer is")
    {
        submit(7);
        submit(8);
        CHECK(dispatcher.worker_of(JobId{8}) == worker(2));
        CHECK(asked_back() == 3);
    }
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
