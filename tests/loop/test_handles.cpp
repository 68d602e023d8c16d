// SPDX-License-Identifier: MIT
// Timers, signals, and the end of a turn.
#include <csignal>
#include <optional>

#include "daemon/loop/signal_watcher.hpp"
#include "daemon/loop/turn_hook.hpp"
#include "tests/loop/loop_fixture.hpp"

using namespace jobmill;
using namespace jobmill::tests;
using loop::SignalWatcher;
using loop::Timer;
using loop::TurnHook;

TEST_CASE_FIXTURE(LoopFixture, "a timer that is started once fires once, and not too early")
{
    int fired = 0;
    auto timer = Timer::create(loop, [&] { ++fired; });
    CHECK_FALSE(timer->active());
    const auto begin = loop::EventLoop::now();
    timer->start_once(3ms);
    CHECK(timer->active());
    CHECK(run_until([&] { return fired > 0; }));
    CHECK(loop::EventLoop::now() - begin >= 3ms);
    CHECK_FALSE(timer->active());
    run_for(10ms);
    CHECK(fired == 1);
}

TEST_CASE_FIXTURE(LoopFixture, "a part of a millisecond is a whole one, and the past is now")
{
    int fired = 0;
    auto timer = Timer::create(loop, [&] { ++fired; });
    const auto begin = loop::EventLoop::now();
    timer->start_once(1us);
    CHECK(run_until([&] { return fired == 1; }));
    CHECK(loop::EventLoop::now() - begin >= 1us);
    timer->start_once(-5s);
    CHECK(run_until([&] { return fired == 2; }));
}

TEST_CASE_FIXTURE(LoopFixture, "a timer repeats until it is stopped")
{
    int fired = 0;
    std::optional<Timer> timer;
    timer.emplace(std::move(*Timer::create(loop, [&] {
        if (++fired == 3) {
            timer->stop();
        }
    })));
    timer->start_repeating(1ms);
    CHECK(run_until([&] { return !timer->active(); }));
    run_for(10ms);
    CHECK(fired == 3);
}

TEST_CASE_FIXTURE(LoopFixture, "starting a timer anew replaces what was asked before")
{
    int fired = 0;
    auto timer = Timer::create(loop, [&] { ++fired; });
    timer->start_once(1h);
    timer->start_once(1ms);
    CHECK(run_until([&] { return fired == 1; }));
}

TEST_CASE_FIXTURE(LoopFixture, "a timer may be destroyed by its own callback, and while it runs")
{
    std::optional<Timer> timer;
    bool fired = false;
    timer.emplace(std::move(*Timer::create(loop, [&, text = std::string(100, 'x')] {
        timer.reset();
        fired = text.size() == 100;  // what the callback holds outlives its owner
    })));
    timer->start_once(1ms);
    CHECK(run_until([&] { return fired; }));
    timer.emplace(std::move(*Timer::create(loop, [] {})));
    timer->start_repeating(1ms);
    timer.reset();
    run_for(5ms);
}

TEST_CASE_FIXTURE(LoopFixture, "a timer may be moved while it runs")
{
    bool fired = false;
    auto first = Timer::create(loop, [&] { fired = true; });
    first->start_once(1ms);
    const Timer second = std::move(*first);
    CHECK(run_until([&] { return fired; }));
}

TEST_CASE_FIXTURE(LoopFixture, "a signal is told in the loop, not in the midst of things")
{
    int seen = 0;
    const auto watcher = SignalWatcher::create(loop, SIGUSR1, [&] { ++seen; });
    REQUIRE(watcher.has_value());
    ::raise(SIGUSR1);
    CHECK(seen == 0);
    CHECK(run_until([&] { return seen == 1; }));
    ::raise(SIGUSR1);
    CHECK(run_until([&] { return seen == 2; }));
}

TEST_CASE_FIXTURE(LoopFixture, "a signal has any number of watchers")
{
    int seen = 0;
    const auto first = SignalWatcher::create(loop, SIGUSR1, [&] { ++seen; });
    const auto second = SignalWatcher::create(loop, SIGUSR1, [&] { ++seen; });
    ::raise(SIGUSR1);
    CHECK(run_until([&] { return seen == 2; }));
}

TEST_CASE_FIXTURE(LoopFixture, "a signal's watcher may be destroyed by its own callback")
{
    std::optional<SignalWatcher> watcher;
    bool seen = false;
    watcher.emplace(std::move(*SignalWatcher::create(loop, SIGUSR1, [&] {
        watcher.reset();
        seen = true;
    })));
    ::raise(SIGUSR1);
    CHECK(run_until([&] { return seen; }));
}

TEST_CASE_FIXTURE(LoopFixture, "a signal that is on its way to a watcher that is gone is lost")
{
    auto watcher = std::make_optional(
        std::move(*SignalWatcher::create(loop, SIGUSR1, [] { FAIL("its owner is gone"); })));
    ::raise(SIGUSR1);
    watcher.reset();
    settle();
}

TEST_CASE_FIXTURE(LoopFixture, "a signal that cannot be watched is an error")
{
    CHECK_FALSE(SignalWatcher::create(loop, SIGKILL, [] {}).has_value());
}

TEST_CASE_FIXTURE(LoopFixture, "the end of a turn comes after all that was ready in it")
{
    const SocketPair pair = nonblocking_pair();
    std::string order;
    auto watcher = loop::FdWatcher::create(loop, pair.ours.get(), [&](unsigned) {
        char c = 0;
        CHECK(::read(pair.ours.get(), &c, 1) == 1);
        order += 'r';
    });
    watcher->watch(loop::FdWatcher::readable);
    auto timer = Timer::create(loop, [&] { order += 't'; });
    timer->start_once(0ms);
    const auto hook = TurnHook::create(loop, [&] { order += '.'; });
    REQUIRE(::write(pair.theirs.get(), "x", 1) == 1);
    CHECK(run_until([&] { return order.ends_with("r"); }));
    uv_run(loop.raw(), UV_RUN_NOWAIT);
    CHECK(order.find("r.") != std::string::npos);
    CHECK(order.find('.') > order.find('t'));
}

TEST_CASE_FIXTURE(LoopFixture, "who asks to stay awake has the next turn at once")
{
    int turns = 0;
    std::optional<TurnHook> hook;
    hook.emplace(std::move(*TurnHook::create(loop, [&] {
        if (++turns == 100) {
            hook->stay_awake(false);
            loop.stop();
        }
    })));
    hook->stay_awake(true);
    hook->stay_awake(true);
    const auto begin = loop::EventLoop::now();
    loop.run();
    CHECK(turns == 100);
    CHECK(loop::EventLoop::now() - begin < 1s);
}

TEST_CASE_FIXTURE(LoopFixture, "the end of a turn alone does not keep the loop running")
{
    int turns = 0;
    const auto hook = TurnHook::create(loop, [&] { ++turns; });
    loop.run();
    CHECK(turns <= 1);
}
