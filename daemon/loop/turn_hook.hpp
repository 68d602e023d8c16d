// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include "daemon/loop/event_loop.hpp"
#include "daemon/loop/uv_handle.hpp"

namespace jobmill::loop {

/// Calls back once a turn, after everything that was ready has been handled and before the loop
/// waits again: the place to write what the turn has gathered. Does not keep the loop alive.
class TurnHook {
public:
    [[nodiscard]] static Result<TurnHook> create(EventLoop& loop, std::function<void()> on_turn);

    /// While true the loop does not wait: the next turn follows at once.
    void stay_awake(bool awake);

private:
    using Callback = std::function<void()>;
    TurnHook(UvHandle<uv_prepare_t> handle, UvHandle<uv_idle_t> idle,
             std::unique_ptr<Callback> callback)
        : callback_(std::move(callback)), handle_(std::move(handle)), idle_(std::move(idle))
    {
    }

    std::unique_ptr<Callback> callback_;
    UvHandle<uv_prepare_t> handle_;
    UvHandle<uv_idle_t> idle_;  ///< an active one keeps the loop from waiting
};

}  // namespace jobmill::loop
