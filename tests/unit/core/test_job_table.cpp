// SPDX-License-Identifier: MIT
#include <map>
#include <random>

#include <doctest/doctest.h>

#include "daemon/core/job_table.hpp"

using namespace jobmill;
using namespace jobmill::core;

namespace {

Job job(std::uint64_t id)
{
    Job made;
    made.id = JobId{id};
    return made;
}

}  // namespace

TEST_CASE("a job is found by its id until it is removed")
{
    JobTable jobs;
    const JobHandle handle = jobs.add(job(7));
    CHECK(jobs.find(JobId{7}) == handle);
    CHECK(jobs[handle].id == JobId{7});
    jobs.remove(handle);
    CHECK(jobs.find(JobId{7}) == no_job);
    CHECK(jobs.size() == 0);
}

TEST_CASE("a removed job's place is used again")
{
    JobTable jobs;
    const JobHandle first = jobs.add(job(1));
    jobs.remove(first);
    CHECK(jobs.add(job(2)) == first);
}

TEST_CASE("a job does not move while others come and go")
{
    JobTable jobs;
    const Job* first = &jobs[jobs.add(job(1))];
    for (std::uint64_t id = 2; id < 5000; ++id) {
        jobs.add(job(id));
    }
    CHECK(&jobs[jobs.find(JobId{1})] == first);
}

TEST_CASE("what few jobs have is a job's own until it is removed")
{
    JobTable jobs;
    const JobHandle first = jobs.add(job(1));
    const JobHandle second = jobs.add(job(2));
    CHECK(jobs.extras(first).attempt == 1);
    ++jobs.own_extras(first).attempt;
    ++jobs.own_extras(first).crashes;
    CHECK(jobs.extras(first).attempt == 2);
    CHECK(jobs.extras(first).crashes == 1);
    CHECK(jobs.extras(second).attempt == 1);
    jobs.remove(first);
    const JobHandle third = jobs.add(job(3));
    CHECK(jobs.extras(third).attempt == 1);
    CHECK(jobs.own_extras(third).crashes == 0);
}

TEST_CASE("the table agrees with a plain map through random additions and removals")
{
    JobTable jobs;
    std::map<std::uint64_t, JobHandle> model;
    std::mt19937_64 random(42);
    std::uint64_t last = 0;
    for (int i = 0; i < 20000; ++i) {
        if (random() % 100 < 52) {
            // Strides that fall on few homes as well as consecutive ids.
            last += random() % 4 == 0 ? 1U << 20U : 1;
            model[last] = jobs.add(job(last));
        } else if (!model.empty()) {
            auto victim = model.lower_bound(random() % (last + 1));
            victim = victim == model.end() ? model.begin() : victim;
            jobs.remove(victim->second);
            model.erase(victim);
        }
        REQUIRE(jobs.size() == model.size());
        REQUIRE(jobs.find(JobId{last + 1}) == no_job);
        if (i % 100 == 0) {
            for (const auto& [id, handle] : model) {
                REQUIRE(jobs.find(JobId{id}) == handle);
            }
        }
    }
}
