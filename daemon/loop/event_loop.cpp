// SPDX-License-Identifier: MIT
#include "daemon/loop/event_loop.hpp"

#include "common/assert.hpp"

namespace jobmill::loop {

tl::unexpected<Error> fail_uv(std::string_view doing, int status)
{
    return fail_errno(doing, -status);
}

Result<EventLoop> EventLoop::create()
{
    auto loop = std::make_unique<uv_loop_t>();
    if (const int status = uv_loop_init(loop.get()); status != 0) {
        return fail_uv("uv_loop_init", status);
    }
    return EventLoop{std::move(loop)};
}

EventLoop::~EventLoop()
{
    if (!loop_) {
        return;
    }
    // Handles whose owners are gone are freed by their close callbacks.
    uv_run(loop_.get(), UV_RUN_NOWAIT);
    JOBMILL_ASSERT(uv_loop_close(loop_.get()) == 0);
}

void EventLoop::run()
{
    uv_run(loop_.get(), UV_RUN_DEFAULT);
}

void EventLoop::stop()
{
    uv_stop(loop_.get());
}

TimePoint EventLoop::now()
{
    return TimePoint{std::chrono::nanoseconds{uv_hrtime()}};
}

}  // namespace jobmill::loop
