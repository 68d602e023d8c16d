// SPDX-License-Identifier: MIT
#include <map>

#include <doctest/doctest.h>

#include "daemon/unread_jobs.hpp"
#include "jobmill/error_code.hpp"

using namespace jobmill;
using namespace jobmill::daemon;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;
constexpr unsigned ann = 1000;
constexpr unsigned bob = 1001;

/// Unread events under a clock that a test moves.
struct World {
    explicit World(std::uint64_t bytes_per_user = mebibyte, std::uint64_t bytes = 8 * mebibyte)
        : unread{{.bytes_per_user = bytes_per_user, .bytes = bytes, .age = 10min}}
    {
    }

    void chunk(std::uint64_t job, std::size_t size)
    {
        unread.add_chunk(owners.at(job), Chunk{.job = JobId{job}, .size = size}, payload(size));
    }
    void result(std::uint64_t job, std::size_t size, JobState state = JobState::succeeded)
    {
        unread.add_result(owners.at(job),
                          JobResult{.job = JobId{job}, .size = size, .state = state}, payload(size),
                          now);
        owners.erase(job);
    }
    /// A detached job that has said nothing yet.
    void open(std::uint64_t job, unsigned uid) { owners.emplace(job, uid); }
    /// A job with a result and nothing else.
    void finished(std::uint64_t job, std::size_t size, unsigned uid = ann)
    {
        open(job, uid);
        result(job, size);
        now += 1s;
    }
    auto attach(std::uint64_t job, unsigned uid = ann, std::uint64_t session = 1)
    {
        const Identity client{.uid = uid};
        const Reader reader{.session = SessionId{session}, .tag = Tag{job}};
        const auto owner = owners.find(job);
        return owner != owners.end() && client.may_touch(owner->second)
                   ? unread.attach_unfinished(JobId{job}, owner->second, reader)
                   : unread.attach(JobId{job}, client, reader);
    }
    /// "CODE: TEXT" of a refused attach.
    std::string refusal(std::uint64_t job, unsigned uid = ann, std::uint64_t session = 2)
    {
        const auto events = attach(job, uid, session);
        return events ? "none" : events.error().code + ": " + events.error().text;
    }
    static Payload payload(std::size_t size) { return Payload::copy(Bytes(size)); }

    UnreadJobs unread;
    std::map<std::uint64_t, unsigned> owners;  ///< of unfinished jobs
    core::TimePoint now{};
};

constexpr std::size_t third = mebibyte / 3;

}  // namespace

TEST_CASE("who waits gets the chunks and the result, in order and once")
{
    World world;
    world.open(1, ann);
    world.chunk(1, 10);
    world.chunk(1, 20);
    world.result(1, 30);
    const auto events = world.attach(1);
    REQUIRE(events.has_value());
    REQUIRE(events->size() == 3);
    CHECK(std::get<Chunk>(events->at(0).head).size == 10);
    CHECK(std::get<Chunk>(events->at(1).head).size == 20);
    CHECK(std::get<JobResult>(events->at(2).head).size == 30);
    CHECK(events->at(2).payload.size == 30);
    CHECK_FALSE(world.unread.knows(JobId{1}));
    CHECK(world.refusal(1) == "not_found: no detached job 1 with unread events");
}

TEST_CASE("a job of another user is not there")
{
    World world;
    world.finished(1, 10);
    CHECK(world.refusal(1, bob) == "not_found: no detached job 1 with unread events");
    CHECK(world.attach(1, ann).has_value());
}

TEST_CASE("a job that never was is not there")
{
    World world;
    CHECK(world.refusal(9) == "not_found: no detached job 9 with unread events");
}

TEST_CASE("a running job is handed over as far as it is, and its reader is known")
{
    World world;
    world.open(1, ann);
    world.chunk(1, 10);
    CHECK_FALSE(world.unread.reader(JobId{1}).has_value());
    REQUIRE(world.attach(1, ann, 5).value().size() == 1);
    const auto reader = world.unread.reader(JobId{1});
    REQUIRE(reader.has_value());
    CHECK(reader->session == SessionId{5});
    CHECK(reader->tag == Tag{1});
    CHECK(world.unread.knows(JobId{1}));
}

TEST_CASE("nothing is kept of a job that has said nothing and that nobody reads")
{
    World world;
    world.open(1, ann);
    CHECK(world.unread.empty());
    CHECK(world.attach(1, ann, 5).value().empty());
    CHECK(world.unread.knows(JobId{1}));
    world.unread.detach(SessionId{5});
    CHECK(world.unread.empty());
    CHECK(world.attach(1, ann, 6).value().empty());
}

TEST_CASE("who comes to a running job whose output was too much is told so, and then reads on")
{
    World world;
    world.open(1, ann);
    world.chunk(1, mebibyte);
    world.chunk(1, 10);
    CHECK(world.refusal(1, bob) == "not_found: no detached job 1 with unread events");
    CHECK(world.refusal(1) ==
          "gone: what job 1 has said so far was dropped: its output was more than the 1 MiB kept "
          "for a user; who waits again gets the rest");
    CHECK(world.unread.empty());
    world.chunk(1, 20);
    REQUIRE(world.attach(1, ann, 5).value().size() == 1);
    world.unread.detach(SessionId{5});
    world.result(1, 10);
    CHECK(world.attach(1, ann, 6).value().size() == 1);
}

TEST_CASE("what overflows again is told again")
{
    World world;
    world.open(1, ann);
    for (int i = 0; i < 2; ++i) {
        world.chunk(1, mebibyte);
        CHECK(world.refusal(1).starts_with("gone: "));
    }
    CHECK(world.attach(1, ann, 5).value().empty());
    world.unread.detach(SessionId{5});
    world.chunk(1, mebibyte);
    world.result(1, 10);
    CHECK(world.refusal(1).starts_with("gone: job 1 succeeded, "));
}

TEST_CASE("a long cause takes room as a payload does")
{
    World world;
    for (std::uint64_t job = 1; job <= 200; ++job) {
        world.unread.add_result(
            ann,
            JobResult{.job = JobId{job},
                      .state = JobState::failed,
                      .cause = Cause{.kind = "error", .text = std::string(10'000, 'x')}},
            {}, world.now);
    }
    CHECK_FALSE(world.unread.knows(JobId{100}));
    CHECK(world.unread.knows(JobId{110}));
}

TEST_CASE("a job has one reader")
{
    World world;
    world.open(1, ann);
    CHECK(world.attach(1, ann, 5).has_value());
    CHECK(world.refusal(1) == "busy: another session reads this job");
}

TEST_CASE("what comes after the reader has gone waits for the next one")
{
    World world;
    world.open(1, ann);
    world.open(2, ann);
    CHECK(world.attach(1, ann, 5).has_value());
    CHECK(world.attach(2, ann, 6).has_value());
    world.unread.detach(SessionId{5});
    CHECK_FALSE(world.unread.reader(JobId{1}).has_value());
    CHECK(world.unread.reader(JobId{2}).has_value());
    world.chunk(1, 10);
    world.result(1, 20);
    CHECK(world.attach(1, ann, 7).value().size() == 2);
}

TEST_CASE("a job whose result went to its reader is forgotten")
{
    World world;
    world.open(1, ann);
    CHECK(world.attach(1).has_value());
    world.unread.forget(JobId{1});
    CHECK_FALSE(world.unread.knows(JobId{1}));
    world.unread.forget(JobId{1});
}

TEST_CASE("the oldest results go when newer ones need their room")
{
    World world;
    world.finished(1, third);
    world.finished(2, third);
    world.finished(3, third);
    CHECK_FALSE(world.unread.knows(JobId{1}));
    CHECK(world.unread.knows(JobId{2}));
    CHECK(world.unread.knows(JobId{3}));
    CHECK(world.refusal(1) ==
          "gone: job 1 succeeded, but its unread result was dropped: newer unread results needed "
          "the 1 MiB kept for a user");
    CHECK(world.refusal(1, bob) == "not_found: no detached job 1 with unread events");
}

TEST_CASE("a user's results make no room for another's")
{
    World world;
    world.finished(1, third, bob);
    world.finished(2, third);
    world.finished(3, third);
    world.finished(4, third);
    CHECK(world.unread.knows(JobId{1}));
    CHECK_FALSE(world.unread.knows(JobId{2}));
    CHECK(world.unread.knows(JobId{4}));
}

TEST_CASE("the order of eviction is that of the ends, not of the numbers")
{
    World world;
    world.open(1, ann);
    world.finished(2, third);
    world.result(1, third);
    world.finished(3, third);
    CHECK_FALSE(world.unread.knows(JobId{2}));
    CHECK(world.unread.knows(JobId{1}));
}

TEST_CASE("the output of a running job pushes older results out, too")
{
    World world;
    world.finished(1, third);
    world.open(2, ann);
    world.chunk(2, third);
    world.chunk(2, third);
    CHECK_FALSE(world.unread.knows(JobId{1}));
    CHECK(world.attach(2).value().size() == 2);
}

TEST_CASE("what was read makes room")
{
    World world;
    world.finished(1, third);
    world.finished(2, third);
    CHECK(world.attach(1).has_value());
    world.finished(3, third);
    CHECK(world.unread.knows(JobId{2}));
    CHECK(world.unread.knows(JobId{3}));
}

TEST_CASE("a job whose output alone is too much is told so at its end")
{
    World world;
    world.open(1, ann);
    world.chunk(1, mebibyte);
    world.chunk(1, 10);
    CHECK(world.unread.knows(JobId{1}));
    world.result(1, 10);
    CHECK_FALSE(world.unread.knows(JobId{1}));
    CHECK(world.refusal(1) ==
          "gone: job 1 succeeded, but its unread result was dropped: its output was more than the "
          "1 MiB kept for a user");
}

TEST_CASE("a job whose output finds no room beside others' is told what there was left")
{
    World world;
    world.open(1, ann);
    world.open(2, ann);
    world.chunk(1, mebibyte / 2);
    world.chunk(2, mebibyte / 2);
    CHECK(world.refusal(2) ==
          "gone: what job 2 has said so far was dropped: its output was more than was left of the "
          "1 MiB kept for a user; who waits again gets the rest");
    CHECK(world.unread.knows(JobId{1}));
}

TEST_CASE("a result that alone is too much is dropped at once")
{
    World world;
    world.open(1, ann);
    world.result(1, mebibyte, JobState::failed);
    CHECK(world.refusal(1) ==
          "gone: job 1 failed, but its unread result was dropped: its output was more than the 1 "
          "MiB kept for a user");
}

TEST_CASE("what overflowed takes no room from the user's other jobs")
{
    World world;
    world.open(1, ann);
    world.chunk(1, mebibyte);
    world.finished(2, third);
    world.finished(3, third);
    CHECK(world.unread.knows(JobId{2}));
    world.result(1, 10);
    CHECK(world.unread.knows(JobId{2}));
    CHECK(world.unread.knows(JobId{3}));
}

TEST_CASE("events without a payload are not free")
{
    World world{10'000};
    world.open(1, ann);
    for (int i = 0; i < 1000; ++i) {
        world.chunk(1, 0);
    }
    world.result(1, 0);
    CHECK(world.refusal(1).starts_with("gone: "));
}

TEST_CASE("results expire in the order of their ends")
{
    World world;
    CHECK_FALSE(world.unread.next_expiry().has_value());
    world.finished(1, 10);
    world.finished(2, 10);
    CHECK(world.unread.next_expiry() == core::TimePoint{} + 10min);
    world.unread.expire(core::TimePoint{} + 10min - 1ns);
    CHECK(world.unread.knows(JobId{1}));
    world.unread.expire(core::TimePoint{} + 10min);
    CHECK_FALSE(world.unread.knows(JobId{1}));
    CHECK(world.unread.knows(JobId{2}));
    CHECK(world.unread.next_expiry() == core::TimePoint{} + 10min + 1s);
    CHECK(world.refusal(1) ==
          "gone: job 1 succeeded, but its unread result was dropped: nobody read it for 10m");
}

TEST_CASE("a job that runs does not expire, nor does one that is read")
{
    World world;
    world.open(1, ann);
    world.chunk(1, 10);
    world.open(2, ann);
    CHECK(world.attach(2).has_value());
    CHECK_FALSE(world.unread.next_expiry().has_value());
    world.unread.expire(core::TimePoint{} + 1000h);
    CHECK(world.unread.knows(JobId{1}));
    CHECK(world.unread.knows(JobId{2}));
}

TEST_CASE("sentences about dropped results are kept for a while, not for ever")
{
    World world{300};
    for (std::uint64_t job = 1; job <= 4097; ++job) {
        world.open(job, ann);
        world.result(job, 100);
    }
    CHECK(world.refusal(1).starts_with("not_found: "));
    CHECK(world.refusal(2).starts_with("gone: "));
    CHECK(world.refusal(4097).starts_with("gone: "));
}

TEST_CASE("a user's finished jobs are listed in the order of their ends")
{
    World world;
    world.open(1, ann);
    world.finished(2, 10, bob);
    world.finished(3, 10);
    world.result(1, 10, JobState::crashed);
    world.open(4, ann);
    const auto list = world.unread.finished_for({.uid = ann}, 10);
    REQUIRE(list.size() == 2);
    CHECK(list[0].job == JobId{3});
    CHECK(list[0].state == JobState::succeeded);
    CHECK(list[1].job == JobId{1});
    CHECK(list[1].state == JobState::crashed);
    const auto all = world.unread.finished_for({.uid = 77, .admin = true}, 10);
    REQUIRE(all.size() == 3);
    CHECK(all[0].job == JobId{2});
    CHECK(all[0].uid == bob);
    CHECK(all[2].uid == ann);
    CHECK(world.unread.finished_for({.uid = 77}, 10).empty());
    CHECK(world.unread.count_for({.uid = 77}) == 0);
}

TEST_CASE(
    "of a user's finished jobs some are listed, or the one that is asked for, and all counted")
{
    World world;
    world.open(1, ann);
    world.chunk(1, 10);
    world.finished(2, 10);
    world.finished(3, 10, bob);
    world.finished(4, 10);
    const auto list = world.unread.finished_for({.uid = ann}, 1);
    REQUIRE(list.size() == 1);
    CHECK(list[0].job == JobId{2});
    CHECK(world.unread.count_for({.uid = ann}) == 2);
    CHECK(world.unread.count_for({.uid = 77, .admin = true}) == 3);
    CHECK(world.unread.finished_for({.uid = ann}, JobId{4}).value().state == JobState::succeeded);
    for (const std::uint64_t job : {1U, 3U, 5U}) {
        CHECK_FALSE(world.unread.finished_for({.uid = ann}, JobId{job}).has_value());
    }
}

TEST_CASE("an admin reads what he may touch, another user does not")
{
    World world;
    world.finished(1, 10);
    const Reader reader{.session = SessionId{2}, .tag = Tag{1}};
    CHECK_FALSE(world.unread.attach(JobId{1}, {.uid = bob}, reader).has_value());
    CHECK(world.unread.attach(JobId{1}, {.uid = bob, .admin = true}, reader).has_value());
}

TEST_CASE("of all users the one who has most loses his oldest, whoever comes last")
{
    World world{mebibyte, 3 * third};
    world.finished(1, third / 2, ann);
    world.finished(2, third, bob);
    world.finished(3, third, bob);
    world.finished(4, third, ann);
    CHECK(world.refusal(2, bob) ==
          "gone: job 2 succeeded, but its unread result was dropped: newer unread results needed "
          "the 0 MiB kept for all users");
    CHECK(world.attach(1, ann).has_value());
    CHECK(world.attach(3, bob).has_value());
    CHECK(world.attach(4, ann).has_value());
}

TEST_CASE("what others have left no room for is not kept, and its end says so")
{
    World world{mebibyte, mebibyte};
    world.open(1, ann);
    world.chunk(1, 2 * third);
    world.open(2, bob);
    world.chunk(2, 2 * third);
    world.result(2, 10);
    CHECK(world.refusal(2, bob) ==
          "gone: job 2 succeeded, but its unread result was dropped: its output was more than was "
          "left of the 1 MiB kept for all users");
    world.result(1, 10);
    CHECK(world.attach(1, ann).value().size() == 2);
}
