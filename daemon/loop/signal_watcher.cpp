// SPDX-License-Identifier: MIT
#include "daemon/loop/signal_watcher.hpp"

namespace jobmill::loop {

Result<SignalWatcher> SignalWatcher::create(EventLoop& loop, int signal_number,
                                            std::function<void()> on_signal)
{
    auto callback = std::make_unique<Callback>(std::move(on_signal));
    auto raw = std::make_unique<uv_signal_t>();
    if (const int status = uv_signal_init(loop.raw(), raw.get()); status != 0) {
        return fail_uv("uv_signal_init", status);
    }
    UvHandle<uv_signal_t> handle{raw.release()};
    handle->data = callback.get();
    const int status = uv_signal_start(
        handle.get(),
        [](uv_signal_t* arrived, int) {
            if (auto* on_arrival = static_cast<Callback*>(arrived->data)) {
                const Callback call = *on_arrival;  // it may destroy this watcher
                call();
            }
        },
        signal_number);
    if (status != 0) {
        return fail_uv("uv_signal_start", status);
    }
    return SignalWatcher{std::move(handle), std::move(callback)};
}

}  // namespace jobmill::loop
