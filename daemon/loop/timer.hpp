// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <functional>

#include "daemon/loop/event_loop.hpp"
#include "daemon/loop/uv_handle.hpp"

namespace jobmill::loop {

/// Calls back once, or again and again, in the loop's milliseconds, rounded up.
class Timer {
public:
    [[nodiscard]] static Result<Timer> create(EventLoop& loop, std::function<void()> on_time);

    void start_once(std::chrono::nanoseconds delay);
    void start_repeating(std::chrono::milliseconds period);
    void stop();
    [[nodiscard]] bool active() const;

private:
    struct State {
        std::function<void()> on_time;
    };
    Timer(UvHandle<uv_timer_t> handle, std::unique_ptr<State> state)
        : state_(std::move(state)), handle_(std::move(handle))
    {
    }

    std::unique_ptr<State> state_;
    UvHandle<uv_timer_t> handle_;
};

}  // namespace jobmill::loop
