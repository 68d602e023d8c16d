// SPDX-License-Identifier: MIT
#include <vector>

#include <doctest/doctest.h>

#include "daemon/core/job_queue.hpp"

using namespace jobmill;
using namespace jobmill::core;

namespace {

struct Fixture {
    JobTable jobs;
    JobQueue queue;

    JobHandle push(std::uint64_t id)
    {
        Job job;
        job.id = JobId{id};
        const JobHandle handle = jobs.add(job);
        queue.enter(jobs[handle], {});
        queue.push(jobs, handle, {});
        return handle;
    }
    JobHandle pop()
    {
        const JobHandle handle =
            queue.first([](const JobQueue::LaneKey&) { return Hindrance::none; });
        queue.remove(jobs, handle);
        return handle;
    }
    std::vector<std::uint64_t> drained()
    {
        std::vector<std::uint64_t> ids;
        while (!queue.empty()) {
            ids.push_back(number(jobs[pop()].id));
        }
        return ids;
    }
};

using Ids = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE_FIXTURE(Fixture, "jobs leave the queue in the order of their arrival")
{
    push(1);
    push(2);
    push(3);
    CHECK(queue.size() == 3);
    CHECK(drained() == Ids{1, 2, 3});
    CHECK(queue.first([](const JobQueue::LaneKey&) { return Hindrance::none; }) == no_job);
}

TEST_CASE_FIXTURE(Fixture, "a job leaves the queue from any position")
{
    push(1);
    const JobHandle middle = push(2);
    const JobHandle last = push(3);
    queue.remove(jobs, middle);
    queue.remove(jobs, last);
    push(4);
    CHECK(drained() == Ids{1, 4});
}

TEST_CASE_FIXTURE(Fixture,
                  "many come back from many workers, each of which gives back its last first")
{
    constexpr std::uint64_t workers = 64;
    constexpr std::uint64_t each = 256;
    std::vector<JobHandle> handles;
    Ids all;
    for (std::uint64_t id = 1; id <= workers * each; ++id) {
        handles.push_back(push(id));
        all.push_back(id);
    }
    for (const JobHandle handle : handles) {
        CHECK(pop() == handle);
    }
    for (std::uint64_t worker = 0; worker < workers; ++worker) {
        for (std::uint64_t at = each; at-- > 0;) {
            queue.put_back(jobs, handles[at * workers + worker], {});
        }
    }
    CHECK(drained() == all);
}

TEST_CASE_FIXTURE(Fixture, "jobs that come back get their old turns, in whatever order they come")
{
    push(1);
    push(2);
    push(3);
    push(4);
    const JobHandle first = pop();
    const JobHandle second = pop();
    const JobHandle third = pop();
    queue.put_back(jobs, second, {});
    queue.put_back(jobs, third, {});
    queue.put_back(jobs, first, {});
    CHECK(drained() == Ids{1, 2, 3, 4});
}
