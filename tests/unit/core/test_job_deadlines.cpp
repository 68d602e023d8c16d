// SPDX-License-Identifier: MIT
#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "daemon/core/job_deadlines.hpp"

using namespace jobmill;
using namespace jobmill::core;
using std::chrono::milliseconds;
using std::chrono::minutes;

namespace {

struct Fixture {
    JobTable jobs;
    JobDeadlines deadlines;
    std::map<JobHandle, TimePoint> times;
    TimePoint now{};

    JobHandle add(std::uint64_t id)
    {
        Job job;
        job.id = JobId{id};
        return jobs.add(job);
    }
    void set(JobHandle handle, TimePoint when)
    {
        times[handle] = when;
        deadlines.set(jobs, handle, when, now);
    }
    std::uint64_t due(TimePoint time)
    {
        now = time;
        const JobHandle handle =
            deadlines.take_due(jobs, now, [this](JobHandle job) { return times.at(job); });
        return handle == no_job ? 0 : number(jobs[handle].id);
    }
    std::uint64_t due(int time) { return due(at(time)); }
    static TimePoint at(int time) { return TimePoint{milliseconds{time}}; }
    static TimePoint in(int time) { return TimePoint{minutes{time}}; }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "jobs come due in the order of their times, each once")
{
    set(add(1), at(30));
    set(add(2), at(10));
    set(add(3), at(20));
    CHECK(deadlines.next() == at(10));
    CHECK(due(5) == 0);
    CHECK(due(25) == 2);
    CHECK(due(25) == 3);
    CHECK(due(25) == 0);
    CHECK(due(30) == 1);
    CHECK(deadlines.size() == 0);
    CHECK(deadlines.next() == never);
}

TEST_CASE_FIXTURE(Fixture, "a new time replaces the old one, sooner or later")
{
    const JobHandle one = add(1);
    const JobHandle other = add(2);
    set(one, at(10));
    set(other, at(20));
    set(one, at(30));
    CHECK(deadlines.next() == at(20));
    set(one, at(5));
    CHECK(deadlines.next() == at(5));
    CHECK(deadlines.size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "never is no deadline")
{
    const JobHandle one = add(1);
    set(one, never);
    CHECK(deadlines.size() == 0);
    set(one, at(1));
    set(one, never);
    CHECK(deadlines.size() == 0);
    deadlines.cancel(jobs, one);
    CHECK(due(9) == 0);
}

TEST_CASE_FIXTURE(Fixture, "one that is far off comes due at its time, however late that is asked")
{
    set(add(1), in(600) + milliseconds{1});
    set(add(2), in(600));
    set(add(3), in(10'000));
    CHECK(deadlines.size() == 3);
    const TimePoint woken = deadlines.next();
    CHECK(woken <= in(600));
    CHECK(woken > in(590));
    CHECK(due(woken) == 0);
    CHECK(deadlines.next() == in(600));
    CHECK(due(in(600) - milliseconds{1}) == 0);
    CHECK(due(in(600)) == 2);
    CHECK(due(in(600)) == 0);
    CHECK(deadlines.next() == in(600) + milliseconds{1});
    CHECK(due(in(20'000)) == 1);
    CHECK(due(in(20'000)) == 3);
    CHECK(deadlines.size() == 0);
    CHECK(deadlines.next() == never);
}

TEST_CASE_FIXTURE(Fixture, "those that are far off together leave in any order")
{
    std::vector<JobHandle> all;
    for (std::uint64_t id = 1; id <= 5; ++id) {
        all.push_back(add(id));
        set(all.back(), in(1000));
    }
    for (const std::size_t which : {2U, 0U, 4U}) {
        deadlines.cancel(jobs, all[which]);
        deadlines.cancel(jobs, all[which]);
    }
    CHECK(deadlines.size() == 2);
    set(all[1], in(2000));
    CHECK(due(in(1000)) == 4);
    CHECK(due(in(1999)) == 0);
    CHECK(due(in(2000)) == 2);
    CHECK(deadlines.size() == 0);
    CHECK(deadlines.next() == never);
}

TEST_CASE_FIXTURE(Fixture, "deadlines set, moved, cancelled and met agree with a plain map")
{
    std::mt19937_64 random(1);
    std::vector<JobHandle> all;
    std::map<std::uint64_t, TimePoint> expected;
    for (std::uint64_t id = 1; id <= 200; ++id) {
        all.push_back(add(id));
    }
    for (int step = 0; step < 20'000; ++step) {
        const std::size_t which = random() % all.size();
        const std::uint64_t id = which + 1;
        if (random() % 4 == 0) {
            deadlines.cancel(jobs, all[which]);
            expected.erase(id);
        } else {
            // Of the next seconds, or hours.
            const std::uint64_t within = random() % 2 == 0 ? 10'000 : 40'000'000;
            const TimePoint when = now + milliseconds{random() % within};
            set(all[which], when);
            expected[id] = when;
        }
        REQUIRE(deadlines.size() == expected.size());
        if (step % 50 != 0) {
            continue;
        }
        const auto soonest = std::min_element(
            expected.begin(), expected.end(),
            [](const auto& one, const auto& other) { return one.second < other.second; });
        CHECK(deadlines.next() <= soonest->second);
        const TimePoint then = now + milliseconds{random() % 600'000};
        TimePoint last{};
        while (const std::uint64_t due_id = due(then)) {
            REQUIRE(expected.contains(due_id));
            CHECK(expected.at(due_id) >= last);
            CHECK(expected.at(due_id) <= then);
            last = expected.at(due_id);
            expected.erase(due_id);
        }
        CHECK(std::none_of(expected.begin(), expected.end(),
                           [&](const auto& left) { return left.second <= then; }));
    }
}
