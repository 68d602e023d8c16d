// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include <doctest/doctest.h>

#include "common/fd_io.hpp"
#include "daemon/channel.hpp"
#include "daemon/loop/event_loop.hpp"
#include "daemon/loop/timer.hpp"

namespace jobmill::tests {

using namespace std::chrono_literals;

/// A loop whose turns a test counts out. At its end it names every handle that was left behind.
class LoopFixture {
public:
    LoopFixture() : loop(made()) {}
    ~LoopFixture()
    {
        // Handles whose owners are gone close in this turn.
        uv_run(loop.raw(), UV_RUN_NOWAIT);
        std::string left;
        uv_walk(
            loop.raw(),
            [](uv_handle_t* handle, void* names) {
                auto& text = *static_cast<std::string*>(names);
                text.append(uv_handle_type_name(uv_handle_get_type(handle))).append(" ");
            },
            &left);
        CHECK_MESSAGE(left.empty(), "left on the loop: ", left);
    }
    LoopFixture(const LoopFixture&) = delete;
    LoopFixture& operator=(const LoopFixture&) = delete;

    /// Turns until it is so; false when it is not in time.
    bool run_until(const std::function<bool()>& so, std::chrono::milliseconds patience = 2s)
    {
        bool late = false;
        // Timers come first in a turn, which would then wait for what may never come.
        auto guard = loop::Timer::create(loop, [&] {
            late = true;
            uv_stop(loop.raw());
        });
        guard->start_once(patience);
        bool it_is = so();
        while (!it_is && !late) {
            turn(UV_RUN_ONCE);
            it_is = so();
        }
        return it_is;
    }
    void run_for(std::chrono::milliseconds time)
    {
        (void)run_until([] { return false; }, time);
    }
    /// Whatever is ready, and what that makes ready.
    void settle()
    {
        for (int i = 0; i < 4; ++i) {
            turn(UV_RUN_NOWAIT);
        }
    }
    /// One turn, at whose end everything that was written goes out.
    void turn(uv_run_mode mode)
    {
        uv_run(loop.raw(), mode);
        flush_list.flush();
    }

    loop::EventLoop loop;
    daemon::FlushList flush_list;

private:
    static loop::EventLoop made()
    {
        auto loop = loop::EventLoop::create();
        REQUIRE(loop.has_value());
        return std::move(*loop);
    }
};

inline SocketPair nonblocking_pair()
{
    auto pair = make_socket_pair();
    REQUIRE(pair.has_value());
    REQUIRE(set_nonblocking(pair->ours.get()).has_value());
    REQUIRE(set_nonblocking(pair->theirs.get()).has_value());
    return std::move(*pair);
}

}  // namespace jobmill::tests
