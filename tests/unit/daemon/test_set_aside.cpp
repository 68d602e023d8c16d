// SPDX-License-Identifier: MIT
// Whose jobs stay set aside when there are too many.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "daemon/set_aside.hpp"

using namespace jobmill;
using daemon::SetAside;

namespace {

using Numbers = std::vector<std::uint64_t>;

SetAside::Job job(std::uint64_t id, unsigned uid, std::size_t size = 0)
{
    const std::string payload(size, 'x');
    SetAside::Job job{.id = JobId{id},
                      .uid = uid,
                      .pool = "default",
                      .handler = "echo",
                      .submission = {},
                      .cause = {},
                      .since = {}};
    job.submission.content = daemon::JobContent{"", {}, bytes_of(payload)};
    return job;
}

Numbers numbers(const SetAside& aside)
{
    Numbers list;
    for (const auto& [place, each] : aside.jobs()) {
        list.push_back(number(each.id));
    }
    return list;
}

}  // namespace

TEST_CASE("the oldest go when one user has too many set aside")
{
    SetAside aside;
    aside.set_limits({.jobs = 2});
    for (const std::uint64_t id : {3U, 1U, 2U}) {
        aside.keep(job(id, 10));
    }
    CHECK(numbers(aside) == Numbers{1, 2});
}

TEST_CASE("who sets aside most pushes out his own jobs only")
{
    SetAside aside;
    aside.set_limits({.jobs = 4});
    aside.keep(job(1, 10));
    for (std::uint64_t id = 2; id <= 100; ++id) {
        aside.keep(job(id, 20));
    }
    CHECK(numbers(aside) == Numbers{1, 98, 99, 100});
    // The other one may have as many.
    aside.keep(job(101, 10));
    aside.keep(job(102, 10));
    CHECK(numbers(aside) == Numbers{99, 100, 101, 102});
}

TEST_CASE("of users who have equally many the one goes whose job is the oldest")
{
    SetAside aside;
    aside.set_limits({.jobs = 2});
    aside.keep(job(1, 20));
    aside.keep(job(2, 10));
    aside.keep(job(3, 30));
    CHECK(numbers(aside) == Numbers{2, 3});
}

TEST_CASE("whose payloads are the largest loses jobs when they are too large in all")
{
    SetAside aside;
    aside.set_limits({.bytes = 100});
    aside.keep(job(1, 10, 30));
    aside.keep(job(2, 10, 10));
    aside.keep(job(3, 20, 50));
    aside.keep(job(4, 20, 20));
    CHECK(numbers(aside) == Numbers{1, 2, 4});
    CHECK(aside.find(JobId{3}, 20, true) == nullptr);
    // One that is alone may be as large as it likes.
    SetAside one;
    one.set_limits({.bytes = 100});
    one.keep(job(1, 10, 10));
    one.keep(job(2, 10, 500));
    CHECK(numbers(one) == Numbers{2});
}

TEST_CASE("what is taken, or does not fit smaller limits, makes room")
{
    SetAside aside;
    for (std::uint64_t id = 1; id <= 6; ++id) {
        aside.keep(job(id, id % 2 == 0 ? 10 : 20, 10));
    }
    CHECK(aside.take(JobId{3})->uid == 20);
    CHECK_FALSE(aside.take(JobId{3}));
    CHECK(aside.find(JobId{4}, 10, false) != nullptr);
    CHECK(aside.find(JobId{4}, 20, false) == nullptr);
    aside.set_limits({.jobs = 3, .bytes = 25});
    CHECK(numbers(aside) == Numbers{5, 6});
}
