// SPDX-License-Identifier: MIT
// What a job leaves behind at its worker, and whose it is.
#include "common/progress_cell.hpp"
#include "tests/loop/worker_fixture.hpp"

using namespace jobmill;
using namespace jobmill::tests;

namespace {

/// A worker whose jobs write to its standard error and end as the test says.
struct Traced : Watched {
    Traced() { pretend(); }
    void write(std::string_view text) const
    {
        REQUIRE(::write(ends[2].get(), text.data(), text.size()) ==
                static_cast<ssize_t>(text.size()));
    }
    void end(std::uint64_t sequence, bool succeeded)
    {
        Bytes bytes;
        encode(JobOutcome{.sequence = Sequence{sequence},
                          .succeeded = succeeded,
                          .cause = Cause{.kind = "error", .text = "no good"}},
               bytes);
        say(bytes);
        const std::size_t before = results.size();
        CHECK(run_until([&] { return results.size() > before; }));
    }
    void await_later(core::TimePoint time)
    {
        CHECK(run_until([&] { return loop::EventLoop::now() > time; }));
    }
};

}  // namespace

TEST_CASE_FIXTURE(Traced, "a job that fails comes with what it wrote and its last progress")
{
    auto segment = Segment::map(ends[1]);
    REQUIRE(segment.has_value());
    offer(1);
    write_progress(segment->layout().progress, Sequence{1}, 3, 10, "third");
    write("oh dear\n");
    end(1, false);
    const Cause& cause = causes.back();
    CHECK(cause.kind == "error");
    CHECK(cause.text == "no good");
    CHECK(cause.stderr_tail == "oh dear\n");
    CHECK_FALSE(cause.stderr_shared);
    CHECK(cause.done == 3U);
    CHECK(cause.total == 10U);
    CHECK(cause.note == "third");
    CHECK(cause.stack.empty());
}

TEST_CASE_FIXTURE(Traced, "one that succeeds comes with nothing, and the next with its own")
{
    auto segment = Segment::map(ends[1]);
    REQUIRE(segment.has_value());
    offer(1);
    write_progress(segment->layout().progress, Sequence{1}, 3, 10, "third");
    write("of the first\n");
    const core::TimePoint offered = worker->last_offer();
    end(1, true);
    CHECK(causes.back().stderr_tail.empty());
    CHECK_FALSE(causes.back().done.has_value());
    await_later(offered + 1ms);
    offer(2);
    write("of the second\n");
    end(2, false);
    CHECK(causes.back().stderr_tail == "of the second\n");
    CHECK_FALSE(causes.back().stderr_shared);
    CHECK_FALSE(causes.back().done.has_value());
}

TEST_CASE_FIXTURE(Traced, "in a row of tiny jobs what is written may be of one before, and says so")
{
    // The offers are less than a millisecond apart in one of many rows at least.
    bool shared = false;
    for (std::uint64_t sequence = 1; !shared && sequence < 100'000; sequence += 3) {
        offer(sequence);
        end(sequence, true);
        offer(sequence + 1);
        end(sequence + 1, true);
        const core::TimePoint before = worker->last_offer();
        offer(sequence + 2);
        const bool tiny = worker->last_offer() - before < 1ms;
        write("of somebody\n");
        end(sequence + 2, false);
        CHECK(causes.back().stderr_tail == "of somebody\n");
        CHECK(causes.back().stderr_shared == tiny);
        shared = causes.back().stderr_shared;
    }
    CHECK(shared);
}

TEST_CASE_FIXTURE(Traced, "one that writes is looked at before each of its jobs")
{
    std::uint64_t sequence = 1;
    offer(sequence);
    for (; sequence <= 20; ++sequence) {
        write("of an earlier one\n");
        end(sequence, sequence % 2 == 0);
        offer(sequence + 1);
    }
    write("its own\n");
    end(sequence, false);
    CHECK(causes.back().stderr_tail == "its own\n");
    CHECK_FALSE(causes.back().stderr_shared);
}

TEST_CASE_FIXTURE(Traced, "the peak of a job that ends with its worker is what the worker had")
{
    auto segment = Segment::map(ends[1]);
    REQUIRE(segment.has_value());
    auto& before = segment->layout().peak_before;
    offer(1);
    const auto die = [&] {
        worker->kill();
        REQUIRE(run_until([&] { return exits == 1; }));
    };
    const auto die_unasked = [&] {
        REQUIRE(::kill(worker->pid(), SIGKILL) == 0);
        REQUIRE(run_until([&] { return exits == 1; }));
    };
    SUBCASE("as the kernel tells it")
    {
        die_unasked();
        CHECK(worker->usage().peak_rss.value_or(0) > 0);
        CHECK(worker->usage().approximate);
    }
    SUBCASE("if nothing before the job had as much")
    {
        before = std::uint64_t{1} << 40U;
        die_unasked();
        CHECK_FALSE(worker->usage().peak_rss.has_value());
        CHECK_FALSE(worker->usage().approximate);
    }
    SUBCASE("or as it was when it was told to end")
    {
        before = std::uint64_t{1} << 40U;
        die();
        CHECK(worker->usage().peak_rss.value_or(0) > 0);
        CHECK(worker->usage().approximate);
    }
    SUBCASE("never that of a worker whose command is what counts")
    {
        before = no_peak_known;
        die();
        CHECK_FALSE(worker->usage().peak_rss.has_value());
    }
}
