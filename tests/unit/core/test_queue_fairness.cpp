// SPDX-License-Identifier: MIT
// Whose job is next: priorities, and fair shares of users, sessions and labels.
#include <map>
#include <vector>

#include <doctest/doctest.h>

#include "daemon/core/job_queue.hpp"

using namespace jobmill;
using namespace jobmill::core;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

struct Who {
    std::uint32_t user = 0;
    std::uint64_t session = 0;
    std::uint32_t label = 0;
};

struct Fixture {
    JobTable jobs;
    JobQueue queue;
    TimePoint now{};
    std::uint64_t last = 0;

    JobHandle push(const Who& who, std::int8_t priority = 0)
    {
        Job job;
        job.id = JobId{++last};
        job.user = UserId{who.user};
        job.session = SessionId{who.session};
        job.label = LabelId{who.label};
        queue.enter(job);
        const JobHandle handle = jobs.add(job);
        queue.push(jobs, handle, priority, now);
        return handle;
    }
    void push(const Who& who, int times)
    {
        for (int i = 0; i < times; ++i) {
            push(who);
        }
    }
    JobHandle next() const
    {
        return queue.first(now, [](const JobQueue::LaneKey&) { return true; });
    }
    JobHandle serve(std::uint32_t weight = 100)
    {
        const JobHandle handle = next();
        queue.serve(jobs, handle, weight, now);
        return handle;
    }
    /// Runs the next job for so long; the job as it was.
    Job run(Duration cpu, std::uint32_t weight = 100)
    {
        const JobHandle handle = serve(weight);
        queue.settle(jobs[handle], weight, cpu);
        const Job job = jobs[handle];
        queue.leave(job);
        jobs.remove(handle);
        return job;
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "the higher priority is served first")
{
    const JobHandle low = push({}, std::int8_t{-5});
    const JobHandle high = push({}, std::int8_t{5});
    CHECK(serve() == high);
    CHECK(serve() == low);
}

TEST_CASE_FIXTURE(Fixture, "a priority that was not served for long counts as higher")
{
    const JobHandle low = push({}, std::int8_t{0});
    for (int i = 0; i < 4; ++i) {
        push({}, std::int8_t{3});
    }
    CHECK(serve() != low);
    now += seconds{2};
    CHECK(serve() != low);
    CHECK(next() != low);
    now += seconds{2};
    CHECK(serve() != low);
    CHECK(serve() == low);
}

TEST_CASE_FIXTURE(Fixture, "the age of a priority begins with its first waiting job")
{
    now += seconds{1000};
    push({}, std::int8_t{0});
    const JobHandle high = push({}, std::int8_t{1});
    CHECK(serve() == high);
}

TEST_CASE_FIXTURE(Fixture, "a user with many jobs and one with few are served in turn")
{
    push({.user = 1, .session = 1}, 50);
    push({.user = 2, .session = 2}, 5);
    std::map<std::uint32_t, int> served;
    for (int i = 0; i < 10; ++i) {
        ++served[number(run(milliseconds{1}).user)];
    }
    CHECK(served[1] == 5);
    CHECK(served[2] == 5);
}

TEST_CASE_FIXTURE(Fixture, "who has long jobs is served less often")
{
    push({.user = 1, .session = 1}, 100);
    push({.user = 2, .session = 2}, 100);
    std::map<std::uint32_t, int> served;
    for (int i = 0; i < 80; ++i) {
        const bool is_long = jobs[next()].user == UserId{1};
        ++served[number(run(milliseconds{is_long ? 3 : 1}).user)];
    }
    CHECK(served[2] >= 58);
    CHECK(served[2] <= 62);
}

TEST_CASE_FIXTURE(Fixture, "sessions share what their user has, however many there are")
{
    push({.user = 1, .session = 1}, 40);
    push({.user = 1, .session = 2}, 40);
    push({.user = 2, .session = 3}, 40);
    std::map<std::uint64_t, int> served;
    for (int i = 0; i < 40; ++i) {
        ++served[number(run(milliseconds{1}).session)];
    }
    CHECK(served[3] == 20);
    CHECK(served[1] == 10);
    CHECK(served[2] == 10);
}

TEST_CASE_FIXTURE(Fixture, "a label of twice the weight is served twice as often")
{
    push({.label = 1}, 60);
    push({.label = 2}, 60);
    std::map<std::uint32_t, int> served;
    for (int i = 0; i < 60; ++i) {
        const std::uint32_t weight = jobs[next()].label == LabelId{2} ? 200 : 100;
        ++served[number(run(milliseconds{1}, weight).label)];
    }
    CHECK(served[2] >= 39);
    CHECK(served[2] <= 41);
}

TEST_CASE_FIXTURE(Fixture, "a label that may not run is passed over")
{
    const JobHandle held = push({.label = 1});
    const JobHandle free = push({.label = 2});
    const auto only_two = [](const JobQueue::LaneKey& lane) { return lane.label == LabelId{2}; };
    CHECK(queue.first(now, only_two) == free);
    queue.remove(jobs, free);
    CHECK(queue.first(now, only_two) == no_job);
    CHECK(next() == held);
}

TEST_CASE_FIXTURE(Fixture, "a job that has not begun after all costs its user nothing")
{
    push({.user = 1, .session = 1}, 2);
    push({.user = 2, .session = 2}, 1);
    const JobHandle first = serve();
    queue.refund(jobs[first]);
    queue.put_back(jobs, first, 0, now);
    CHECK(next() == first);
}

TEST_CASE_FIXTURE(Fixture, "what a job is expected to cost follows what jobs have cost")
{
    push({}, 100);
    for (int i = 0; i < 100; ++i) {
        run(seconds{1});
    }
    CHECK(queue.expected() > milliseconds{990});
    CHECK(queue.expected() <= seconds{1});
}

TEST_CASE_FIXTURE(Fixture, "any job is found while there is one")
{
    CHECK(queue.any() == no_job);
    const JobHandle low = push({}, std::int8_t{-100});
    const JobHandle high = push({}, std::int8_t{100});
    CHECK(queue.any() == low);
    queue.remove(jobs, low);
    CHECK(queue.any() == high);
    queue.remove(jobs, high);
    CHECK(queue.any() == no_job);
}

TEST_CASE_FIXTURE(Fixture, "the lanes of sessions that are gone are used again")
{
    for (std::uint64_t session = 1; session <= 1000; ++session) {
        push({.session = session});
        run(milliseconds{1});
    }
    CHECK(queue.empty());
    const JobHandle one = push({.session = 5000});
    CHECK(number(jobs[one].lane) < 600);
    CHECK(serve() == one);
}
