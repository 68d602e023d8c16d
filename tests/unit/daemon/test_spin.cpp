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
        return spin_.goes_on({.events = events, .sent = sent}, now_, setting_);
    }
    bool busy() { return turn(Spin::many_events); }
    bool quiet() { return turn(0, false); }
    void wait(core::Duration time) { now_ += time; }
    void set(microseconds time) { setting_ = time; }

    /// Whether it looks after a turn with many events; if it does it finds nothing.
    bool looks_in_vain()
    {
        if (!busy()) {
            return false;
        }
        wait(Spin::wake_up);
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
    core::TimePoint now_{microseconds{1000}};
};

}  // namespace

TEST_CASE("a loop that is not set to spin sleeps after a turn with few events")
{
    Loop loop;
    CHECK_FALSE(loop.turn(Spin::many_events - 1));
    CHECK_FALSE(loop.quiet());
}

TEST_CASE("after a turn with many events it looks for as long as it takes to be woken")
{
    Loop loop;
    CHECK(loop.busy());
    loop.wait(Spin::wake_up - nanoseconds{1});
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
        loop.wait(Spin::wake_up - nanoseconds{1});
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
    loop.wait(Spin::wake_up);
    CHECK_FALSE(loop.quiet());
    CHECK(loop.left_out() == 7);
}

TEST_CASE("a loop that is set to spin looks for that long after it has sent something")
{
    Loop loop;
    loop.set(microseconds{200});
    CHECK_FALSE(loop.quiet());
    CHECK_FALSE(loop.turn(Spin::many_events, false));
    CHECK(loop.turn(1));
    loop.wait(microseconds{199});
    CHECK(loop.quiet());
    loop.wait(microseconds{1});
    CHECK_FALSE(loop.quiet());
}
