// SPDX-License-Identifier: MIT
#include "daemon/loop/turn_hook.hpp"

namespace jobmill::loop {

Result<TurnHook> TurnHook::create(EventLoop& loop, std::function<void()> on_turn)
{
    auto callback = std::make_unique<Callback>(std::move(on_turn));
    auto raw = std::make_unique<uv_prepare_t>();
    if (const int status = uv_prepare_init(loop.raw(), raw.get()); status != 0) {
        return fail_uv("uv_prepare_init", status);
    }
    UvHandle<uv_prepare_t> handle{raw.release()};
    handle->data = callback.get();
    const int status = uv_prepare_start(handle.get(), [](uv_prepare_t* hook) {
        if (auto* on_turn_end = static_cast<Callback*>(hook->data)) {
            (*on_turn_end)();
        }
    });
    if (status != 0) {
        return fail_uv("uv_prepare_start", status);
    }
    uv_unref(reinterpret_cast<uv_handle_t*>(handle.get()));
    auto raw_idle = std::make_unique<uv_idle_t>();
    if (const int failed = uv_idle_init(loop.raw(), raw_idle.get()); failed != 0) {
        return fail_uv("uv_idle_init", failed);
    }
    return TurnHook{std::move(handle), UvHandle<uv_idle_t>{raw_idle.release()},
                    std::move(callback)};
}

void TurnHook::stay_awake(bool awake)
{
    if (awake) {
        uv_idle_start(idle_.get(), [](uv_idle_t*) {});
    } else {
        uv_idle_stop(idle_.get());
    }
}

}  // namespace jobmill::loop
