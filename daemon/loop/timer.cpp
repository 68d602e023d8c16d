// SPDX-License-Identifier: MIT
#include "daemon/loop/timer.hpp"

#include <algorithm>

namespace jobmill::loop {
namespace {

void start(uv_timer_t* handle, std::uint64_t delay_ms, std::uint64_t period_ms)
{
    // The loop's idea of now is as old as its turn.
    uv_update_time(handle->loop);
    uv_timer_start(
        handle,
        [](uv_timer_t* fired) {
            if (auto* on_time = static_cast<std::function<void()>*>(fired->data)) {
                const auto call = *on_time;  // it may destroy this timer
                call();
            }
        },
        delay_ms, period_ms);
}

}  // namespace

Result<Timer> Timer::create(EventLoop& loop, std::function<void()> on_time)
{
    auto state = std::make_unique<State>(State{std::move(on_time)});
    auto raw = std::make_unique<uv_timer_t>();
    if (const int status = uv_timer_init(loop.raw(), raw.get()); status != 0) {
        return fail_uv("uv_timer_init", status);
    }
    UvHandle<uv_timer_t> handle{raw.release()};
    handle->data = &state->on_time;
    return Timer{std::move(handle), std::move(state)};
}

void Timer::start_once(std::chrono::nanoseconds delay)
{
    const auto rounded_up = std::chrono::ceil<std::chrono::milliseconds>(delay);
    start(handle_.get(), static_cast<std::uint64_t>(std::max<std::int64_t>(0, rounded_up.count())),
          0);
}

void Timer::start_repeating(std::chrono::milliseconds period)
{
    const auto count = static_cast<std::uint64_t>(period.count());
    start(handle_.get(), count, count);
}

void Timer::stop()
{
    uv_timer_stop(handle_.get());
}

bool Timer::active() const
{
    return uv_is_active(reinterpret_cast<const uv_handle_t*>(handle_.get())) != 0;
}

}  // namespace jobmill::loop
