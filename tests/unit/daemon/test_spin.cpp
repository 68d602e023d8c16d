// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/spin.hpp"

using namespace jobmill;
using namespace jobmill::daemon;
using std::chrono::microseconds;
using std::chrono::nanoseconds;

namespace {

/// A loop whose turns follow one another as the test says.
class Loop {
public:
    bool turn(unsigned events, bool sent = true)
    {
        return spin_.goes_on({.events = events,
                              .sent = sent,
                              .busy_workers = busy_workers_,
                              .cores = cores_,
                              .worker_beside = worker_beside_},
                             now_, setting_);
    }
    bool busy() { return turn(Spin::many_events); }
    bool quiet() { return turn(0, false); }
    void wait(core::Duration time) { now_ += time; }
    void set(microseconds time) { setting_ = time; }
    void have(std::uint32_t busy_workers, std::uint32_t cores)
    {
        busy_workers_ = busy_workers;
        cores_ = cores;
    }
    void have_worker_beside(bool beside) { worker_beside_ = beside; }

    /// Whether it looks after a turn with many events; if it does it finds nothing.
    bool looks_in_vain()
    {
        if (!busy()) {
            return false;
        }
        wait(Spin::look);
        CHECK_FALSE(quiet());
        return true;
    }
    /// Turns with many events that it leaves out until it looks again, in vain.
    unsigned left_out()
    {
        unsigned count = 0;
        while (!looks_in_vain()) {
            ++count;
        }
        return count;
    }

private:
    Spin spin_;
    Spin::Setting setting_;
    std::uint32_t busy_workers_ = 2;
    std::uint32_t cores_ = 2;
    bool worker_beside_ = false;
    core::TimePoint now_{microseconds{1000}};
};

}  // namespace

TEST_CASE("without a core to spare a loop sleeps after a turn with few events")
{
    Loop loop;
    CHECK_FALSE(loop.turn(Spin::many_events - 1));
    CHECK_FALSE(loop.quiet());
    // Whoever it waits for needs one as well.
    loop.have(0, 1);
    CHECK_FALSE(loop.turn(1));
    CHECK_FALSE(loop.quiet());
}

TEST_CASE("with a core to spare it looks after each turn that has handled something")
{
    Loop loop;
    loop.have(1, 2);
    CHECK_FALSE(loop.turn(0));
    CHECK(loop.turn(1));
    loop.wait(Spin::long_look - nanoseconds{1});
    CHECK(loop.quiet());
    loop.wait(nanoseconds{1});
    CHECK_FALSE(loop.quiet());
}

TEST_CASE("that workers take long says nothing of clients")
{
    Loop loop;
    // A client that sends its next job at once, and jobs that take longer than it looks.
    unsigned for_workers = 0;
    for (int i = 0; i < 1000; ++i) {
        loop.have(0, 2);
        CHECK(loop.turn(1));
        loop.wait(microseconds{20});
        loop.have(1, 2);
        if (loop.turn(1)) {
            ++for_workers;
            loop.wait(Spin::long_look);
            CHECK_FALSE(loop.quiet());
        }
        loop.wait(microseconds{1000});
    }
    // Of each length of rest up to the longest, and then each time that this is over.
    CHECK(for_workers < 12 + std::chrono::seconds{1} / Spin::longest_rest);
}

TEST_CASE("a worker on the same core is not looked for, which is held against none elsewhere")
{
    Loop loop;
    loop.have(1, 2);
    loop.have_worker_beside(true);
    for (int i = 0; i < 100; ++i) {
        CHECK_FALSE(loop.turn(1));
        loop.wait(Spin::long_look);
    }
    loop.have_worker_beside(false);
    CHECK(loop.turn(1));
    loop.wait(microseconds{20});
    // The client may be anywhere.
    loop.have_worker_beside(true);
    loop.have(0, 2);
    CHECK(loop.turn(1));
}

TEST_CASE("after a turn with many events it looks for a while, whoever wants the core")
{
    Loop loop;
    CHECK(loop.busy());
    loop.wait(Spin::look - nanoseconds{1});
    CHECK(loop.quiet());
    loop.wait(nanoseconds{1});
    CHECK_FALSE(loop.quiet());
    CHECK_FALSE(loop.quiet());
}

TEST_CASE("it looks as long as it finds something, and no longer after what is little")
{
    Loop loop;
    for (int i = 0; i < 100; ++i) {
        CHECK(loop.busy());
        loop.wait(Spin::look - nanoseconds{1});
    }
    CHECK_FALSE(loop.turn(1));
    CHECK_FALSE(loop.quiet());
}

TEST_CASE("each look that finds nothing has it leave out more of the next ones, up to a bound")
{
    Loop loop;
    CHECK(loop.looks_in_vain());
    for (const unsigned expected : {1U, 3U, 7U, 15U, 31U, 63U, 127U, 255U, 511U, 1023U, 1023U}) {
        CHECK(loop.left_out() == expected);
    }
}

TEST_CASE("with a core to spare it looks again after a while, however many it is to leave out")
{
    Loop loop;
    loop.have(0, 2);
    const auto looks_in_vain = [&] {
        if (!loop.turn(1)) {
            return false;
        }
        loop.wait(Spin::long_look);
        CHECK_FALSE(loop.quiet());
        return true;
    };
    for (int i = 0; i < 1000; ++i) {
        (void)looks_in_vain();
    }
    CHECK_FALSE(looks_in_vain());
    loop.wait(Spin::longest_rest - nanoseconds{1});
    CHECK_FALSE(looks_in_vain());
    loop.wait(nanoseconds{1});
    CHECK(looks_in_vain());
}

TEST_CASE("without one a while makes no difference")
{
    Loop loop;
    while (loop.left_out() < Spin::most_left_out) {
    }
    loop.wait(Spin::longest_rest);
    CHECK_FALSE(loop.busy());
}

TEST_CASE("each look that finds something has it leave out fewer")
{
    Loop loop;
    while (loop.left_out() < 15) {
    }
    // The next one in vain would be of 31.
    while (!loop.busy()) {
    }
    CHECK(loop.busy());
    CHECK(loop.busy());
    CHECK(loop.busy());
    loop.wait(Spin::look);
    CHECK_FALSE(loop.quiet());
    CHECK(loop.left_out() == 7);
}

TEST_CASE("a loop that is set to spin looks for that long after it has sent something")
{
    Loop loop;
    loop.have(0, 2);
    loop.set(microseconds{200});
    CHECK_FALSE(loop.quiet());
    CHECK_FALSE(loop.turn(Spin::many_events, false));
    CHECK(loop.turn(1));
    loop.wait(microseconds{199});
    CHECK(loop.quiet());
    loop.wait(microseconds{1});
    CHECK_FALSE(loop.quiet());
}

TEST_CASE("a loop that is set to spin never, never does")
{
    Loop loop;
    loop.have(0, 2);
    loop.set(microseconds{0});
    CHECK_FALSE(loop.turn(1));
    CHECK_FALSE(loop.busy());
    CHECK_FALSE(loop.quiet());
}
