// SPDX-License-Identifier: MIT
#include <map>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "daemon/core/job_deadlines.hpp"

using namespace jobmill;
using namespace jobmill::core;
using std::chrono::milliseconds;

namespace {

struct Fixture {
    JobTable jobs;
    JobDeadlines deadlines;

    JobHandle add(std::uint64_t id)
    {
        Job job;
        job.id = JobId{id};
        return jobs.add(job);
    }
    std::uint64_t due(int now)
    {
        const JobHandle handle = deadlines.take_due(jobs, at(now));
        return handle == no_job ? 0 : number(jobs[handle].id);
    }
    static TimePoint at(int time) { return TimePoint{milliseconds{time}}; }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "jobs come due in the order of their times, each once")
{
    deadlines.set(jobs, add(1), at(30));
    deadlines.set(jobs, add(2), at(10));
    deadlines.set(jobs, add(3), at(20));
    CHECK(deadlines.next() == at(10));
    CHECK(due(5) == 0);
    CHECK(due(25) == 2);
    CHECK(due(25) == 3);
    CHECK(due(25) == 0);
    CHECK(due(30) == 1);
    CHECK(deadlines.size() == 0);
    CHECK_FALSE(deadlines.next().has_value());
}

TEST_CASE_FIXTURE(Fixture, "a new time replaces the old one, sooner or later")
{
    const JobHandle one = add(1);
    const JobHandle other = add(2);
    deadlines.set(jobs, one, at(10));
    deadlines.set(jobs, other, at(20));
    deadlines.set(jobs, one, at(30));
    CHECK(deadlines.next() == at(20));
    deadlines.set(jobs, one, at(5));
    CHECK(deadlines.next() == at(5));
    CHECK(deadlines.size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "never is no deadline")
{
    const JobHandle one = add(1);
    deadlines.set(jobs, one, never);
    CHECK(deadlines.size() == 0);
    deadlines.set(jobs, one, at(1));
    deadlines.set(jobs, one, never);
    CHECK(deadlines.size() == 0);
    deadlines.cancel(jobs, one);
    CHECK(due(9) == 0);
}

TEST_CASE_FIXTURE(Fixture, "a thousand deadlines set, moved and cancelled agree with a plain map")
{
    std::mt19937_64 random(1);
    std::vector<JobHandle> all;
    std::map<std::uint64_t, int> expected;
    for (std::uint64_t id = 1; id <= 200; ++id) {
        all.push_back(add(id));
    }
    for (int step = 0; step < 5000; ++step) {
        const std::size_t which = random() % all.size();
        const std::uint64_t id = which + 1;
        if (random() % 4 == 0) {
            deadlines.cancel(jobs, all[which]);
            expected.erase(id);
        } else {
            const int when = static_cast<int>(random() % 1000);
            deadlines.set(jobs, all[which], at(when));
            expected[id] = when;
        }
        REQUIRE(deadlines.size() == expected.size());
    }
    int last = 0;
    while (const std::uint64_t id = due(1000)) {
        REQUIRE(expected.contains(id));
        CHECK(expected.at(id) >= last);
        last = expected.at(id);
        expected.erase(id);
    }
    CHECK(expected.empty());
}
