// SPDX-License-Identifier: MIT
// When results go out that may wait for others.
#include <sys/ioctl.h>

#include <algorithm>

#include <doctest/doctest.h>

#include "common/claims.hpp"
#include "common/fd_io.hpp"
#include "common/segment.hpp"
#include "worker/link_writer.hpp"

using namespace jobmill;

namespace {

constexpr std::uint64_t us = 1000;

struct Talk {
    SocketPair sockets = make_socket_pair().value();
    UniqueFd memory = Segment::make_memory().value();
    Segment segment = Segment::map(memory).value();
    LinkWriter writer{sockets.ours.get(), segment.layout()};
    std::uint64_t now = 1;

    /// Jobs up to that one are there, or on the way.
    void offer(std::uint64_t from, std::uint64_t to)
    {
        for (std::uint64_t sequence = from; sequence <= to; ++sequence) {
            offer_claim(segment.layout(), Sequence{sequence});
        }
    }
    /// That job is done, which took so long. Whether something has gone out since.
    bool finish(std::uint64_t sequence, std::uint64_t run_ns)
    {
        (void)take_claim(segment.layout(), Sequence{sequence});
        now += run_ns;
        JobOutcome outcome;
        outcome.sequence = Sequence{sequence};
        outcome.run_ns = run_ns;
        const int before = arrived();
        writer.send_soon(outcome, now);
        return arrived() > before;
    }
    [[nodiscard]] int arrived() const
    {
        int bytes = -1;
        REQUIRE(::ioctl(sockets.theirs.get(), FIONREAD, &bytes) == 0);
        return bytes;
    }
};

}  // namespace

TEST_CASE("a result waits for others, but does not get older than 100 us")
{
    Talk link;
    link.offer(1, 5);
    CHECK_FALSE(link.finish(1, 40 * us));
    link.now += 10 * us;
    CHECK(link.finish(5, 60 * us));  // after the next, should it take as long, the first were 130
}

TEST_CASE("one that takes long does not wait for the next, which may take as long")
{
    Talk link;
    link.offer(1, 200);
    CHECK(link.finish(1, 500 * us));
    CHECK(link.finish(2, 800 * us));
}

TEST_CASE("while many jobs are left results wait for more of them")
{
    Talk link;
    link.offer(1, 15);
    for (std::uint64_t sequence = 1; sequence <= 5; ++sequence) {
        CHECK_FALSE(link.finish(sequence, 100 * us));
    }
    CHECK(link.finish(6, 100 * us));
}

TEST_CASE("jobs that take half a tick are not added to what waits for it")
{
    Talk link;
    link.offer(1, 200);
    CHECK_FALSE(link.finish(1, 200 * us));
    CHECK_FALSE(link.finish(2, 50 * us));
    CHECK(link.finish(3, 265 * us));
    CHECK_FALSE(link.finish(4, 200 * us));
    CHECK_FALSE(link.finish(5, 200 * us));
    CHECK(link.finish(6, 200 * us));
}

TEST_CASE("the longer a worker is at it the longer results wait, to a bound")
{
    Talk link;
    std::uint64_t offered = 0;
    std::uint64_t done = 0;
    // Until something goes out; how long the first has waited then.
    const auto wait_of_some = [&] {
        std::uint64_t first = 0;
        for (bool sent = false; !sent;) {
            link.offer(offered + 1, done + 100);
            offered = done + 100;
            sent = link.finish(++done, 100 * us);
            first = first == 0 ? link.now : first;
        }
        return link.now - first;
    };
    CHECK(wait_of_some() <= 500 * us);
    std::uint64_t longest = 0;
    while (link.now < 20'000 * us) {
        longest = std::max(longest, wait_of_some());
        CHECK(longest <= link.now / 4 + 500 * us);
    }
    CHECK(longest > 1900 * us);
    CHECK(longest <= 2100 * us);
    link.writer.flush_before_rest();
    CHECK(wait_of_some() <= 500 * us);
}

TEST_CASE("workers that are at it for long send at the same moments")
{
    constexpr std::uint64_t tick = std::uint64_t{1} << 21U;
    Talk first;
    Talk second;
    second.now = 300 * us;
    for (Talk* link : {&first, &second}) {
        int ticks = 0;
        for (std::uint64_t sequence = 1; link->now < 10 * tick; ++sequence) {
            link->offer(sequence, sequence + 100);
            const bool sent = link->finish(sequence, 70 * us);
            const bool first_after_it = link->now / tick != (link->now - 70 * us) / tick;
            ticks += sent && first_after_it ? 1 : 0;
            CHECK((sent == first_after_it || link->now < 5 * tick));
        }
        CHECK(ticks == 10);
    }
}

TEST_CASE("what the daemon has taken from the outbox waits no more")
{
    Talk link;
    link.offer(1, 100);
    for (std::uint64_t sequence = 1; sequence <= 4; ++sequence) {
        CHECK_FALSE(link.finish(sequence, 100 * us));
    }
    SegmentLayout& layout = link.segment.layout();
    layout.taken = layout.committed.load();
    // The tick for which they waited is over, but the fifth has not waited yet.
    CHECK_FALSE(link.finish(5, 220 * us));
    for (std::uint64_t sequence = 6; sequence <= 9; ++sequence) {
        CHECK_FALSE(link.finish(sequence, 100 * us));
    }
    CHECK(link.finish(10, 100 * us));
    CHECK(static_cast<std::uint64_t>(link.arrived()) == layout.committed);
}

TEST_CASE("before the last of them is begun half of the results are out")
{
    Talk link;
    link.offer(1, 8);
    for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) {
        CHECK_FALSE(link.finish(sequence, 50 * us));
    }
    CHECK_FALSE(link.finish(4, 50 * us));
    CHECK(link.finish(5, 50 * us));  // five wait, three are left
    CHECK_FALSE(link.finish(6, 50 * us));
    CHECK(link.finish(7, 50 * us));
}

TEST_CASE("what waits goes out before all that is sent, and when it is told to")
{
    Talk link;
    link.offer(1, 100);
    CHECK_FALSE(link.finish(1, us));
    link.writer.send(JobStarted{Sequence{2}});
    const int both = link.arrived();
    CHECK(both > 0);
    CHECK_FALSE(link.finish(2, us));
    link.writer.flush();
    CHECK(link.arrived() > both);
    CHECK_FALSE(link.finish(3, us));
}
