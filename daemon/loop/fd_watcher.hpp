// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include "daemon/loop/event_loop.hpp"
#include "daemon/loop/uv_handle.hpp"

namespace jobmill::loop {

/// Tells when a descriptor is ready. The descriptor stays its owner's, is made non-blocking, and
/// must outlive this.
class FdWatcher {
public:
    using Callback = std::function<void(unsigned ready)>;

    static constexpr unsigned readable = UV_READABLE;
    static constexpr unsigned writable = UV_WRITABLE;
    /// Asks for nothing but the hang-up, which the kernel always reports. A socket whose peer has
    /// only shut down its writing stays readable for ever: watch this instead of `readable` then.
    static constexpr unsigned hang_up = UV_PRIORITIZED;

    [[nodiscard]] static Result<FdWatcher> create(EventLoop& loop, int fd, Callback on_ready);

    /// Any of the above; 0 watches nothing.
    void watch(unsigned events);
    [[nodiscard]] unsigned watched() const noexcept { return state_->watched; }

private:
    struct State {
        Callback on_ready;
        unsigned watched = 0;
    };
    static void on_poll(uv_poll_t* handle, int status, int events);

    FdWatcher(UvHandle<uv_poll_t> handle, std::unique_ptr<State> state)
        : state_(std::move(state)), handle_(std::move(handle))
    {
    }

    std::unique_ptr<State> state_;
    UvHandle<uv_poll_t> handle_;
};

}  // namespace jobmill::loop
