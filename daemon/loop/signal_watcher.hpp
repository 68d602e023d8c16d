// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include "daemon/loop/event_loop.hpp"
#include "daemon/loop/uv_handle.hpp"

namespace jobmill::loop {

/// Calls back in the loop for each arrival of a signal; arrivals close together may be one.
class SignalWatcher {
public:
    [[nodiscard]] static Result<SignalWatcher> create(EventLoop& loop, int signal_number,
                                                      std::function<void()> on_signal);

private:
    using Callback = std::function<void()>;
    SignalWatcher(UvHandle<uv_signal_t> handle, std::unique_ptr<Callback> callback)
        : callback_(std::move(callback)), handle_(std::move(handle))
    {
    }

    std::unique_ptr<Callback> callback_;
    UvHandle<uv_signal_t> handle_;
};

}  // namespace jobmill::loop
