// SPDX-License-Identifier: MIT
// Owns the uv_loop_t. Everything that lives on it must be gone before it; the destructor proves so.
#pragma once

#include <uv.h>

#include <chrono>
#include <memory>
#include <string_view>

#include "jobmill/result.hpp"

namespace jobmill::loop {

using TimePoint = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

class EventLoop {
public:
    [[nodiscard]] static Result<EventLoop> create();
    EventLoop(EventLoop&&) noexcept = default;
    EventLoop& operator=(EventLoop&&) noexcept = delete;
    ~EventLoop();

    /// Runs until stop() is called or no handle is active.
    void run();
    void stop();

    /// CLOCK_MONOTONIC, now: not the time at which this turn began.
    [[nodiscard]] static TimePoint now();

    [[nodiscard]] uv_loop_t* raw() noexcept { return loop_.get(); }

private:
    explicit EventLoop(std::unique_ptr<uv_loop_t> loop) : loop_(std::move(loop)) {}

    std::unique_ptr<uv_loop_t> loop_;
};

/// An Error from one of libuv's negative numbers.
[[nodiscard]] tl::unexpected<Error> fail_uv(std::string_view doing, int status);

}  // namespace jobmill::loop
