// SPDX-License-Identifier: MIT
#include <algorithm>
#include <random>
#include <set>

#include <doctest/doctest.h>

#include "daemon/job_records.hpp"

namespace jobmill::daemon {
namespace {

void add(JobRecords& records, std::uint64_t job, unsigned uid)
{
    const JobRecord& record = records.add(JobId{job}, uid);
    CHECK(record.id == JobId{job});
    CHECK(record.uid == uid);
    CHECK(record.tag == Tag{});
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

TEST_CASE("what is not there is not found")
{
    JobRecords records;
    add(records, 1, 10);
    CHECK(records.find(JobId{1}) == &records.at(JobId{1}));
    CHECK(records.find(JobId{2}) == nullptr);
}

TEST_CASE("many records come and go in any order, and each is found as long as it is there")
{
    JobRecords records;
    std::mt19937_64 random{7};
    std::set<std::uint64_t> there;
    std::uint64_t last = 0;
    // Waves: the tables grow and shrink many times.
    for (int step = 0; step < 40'000; ++step) {
        const bool growing = step / 5000 % 2 == 0;
        if (there.empty() || random() % 8 < (growing ? 6U : 2U)) {
            ++last;
            add(records, last, static_cast<unsigned>(last % 3));
            there.insert(last);
        } else {
            const auto victim = random() % 2 == 0 ? there.begin() : std::prev(there.end());
            CHECK(number(records.take(JobId{*victim}).id) == *victim);
            CHECK_FALSE(records.contains(JobId{*victim}));
            there.erase(victim);
        }
        REQUIRE(records.size() == there.size());
    }
    for (const std::uint64_t job : there) {
        CHECK(number(records.at(JobId{job}).id) == job);
    }
    std::size_t seen = 0;
    records.each([&](const JobRecord& record) { seen += there.count(number(record.id)); });
    CHECK(seen == there.size());
    std::size_t listed = 0;
    for (const unsigned uid : {0U, 1U, 2U}) {
        const Jobs jobs = jobs_of(records, uid, SIZE_MAX);
        CHECK(std::is_sorted(jobs.begin(), jobs.end()));
        listed += jobs.size();
    }
    CHECK(listed == there.size());
}

}  // namespace jobmill::daemon
