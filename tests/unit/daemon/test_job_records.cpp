// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/job_records.hpp"

namespace jobmill::daemon {
namespace {

void add(JobRecords& records, std::uint64_t job, unsigned uid)
{
    JobRecord record;
    record.id = JobId{job};
    record.uid = uid;
    records.add(std::move(record));
}

std::vector<std::uint64_t> jobs_of(const JobRecords& records, unsigned uid, std::size_t most = 100)
{
    std::vector<std::uint64_t> jobs;
    records.each_of(uid, [&](const JobRecord& record) {
        jobs.push_back(number(record.id));
        return jobs.size() < most;
    });
    return jobs;
}

using Jobs = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("each user's jobs come from the oldest on")
{
    JobRecords records;
    add(records, 1, 10);
    add(records, 2, 20);
    add(records, 3, 10);
    add(records, 4, 10);
    CHECK(jobs_of(records, 10) == Jobs{1, 3, 4});
    CHECK(jobs_of(records, 10, 2) == Jobs{1, 3});
    CHECK(jobs_of(records, 20) == Jobs{2});
    CHECK(jobs_of(records, 30).empty());
    CHECK(records.count_of(10) == 3);
    CHECK(records.count_of(30) == 0);
}

TEST_CASE("a record is taken from any place, and another may follow")
{
    for (const std::uint64_t first : {1U, 2U, 3U}) {
        JobRecords records;
        for (const std::uint64_t job : {1U, 2U, 3U}) {
            add(records, job, 10);
        }
        CHECK(number(records.take(JobId{first}).id) == first);
        Jobs rest{1, 2, 3};
        std::erase(rest, first);
        CHECK(jobs_of(records, 10) == rest);
        add(records, 4, 10);
        rest.push_back(4);
        CHECK(jobs_of(records, 10) == rest);
        for (const std::uint64_t job : rest) {
            (void)records.take(JobId{job});
        }
        CHECK(records.size() == 0);
        CHECK(records.count_of(10) == 0);
    }
}

TEST_CASE("nobody finds another user's job")
{
    JobRecords records;
    add(records, 1, 10);
    CHECK(records.find(JobId{1}, 10) == &records.at(JobId{1}));
    CHECK(records.find(JobId{1}, 11) == nullptr);
    CHECK(records.find(JobId{2}, 10) == nullptr);
}

}  // namespace jobmill::daemon
