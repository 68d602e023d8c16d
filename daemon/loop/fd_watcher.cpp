// SPDX-License-Identifier: MIT
#include "daemon/loop/fd_watcher.hpp"

#include "common/assert.hpp"

namespace jobmill::loop {

void FdWatcher::on_poll(uv_poll_t* handle, int status, int events)
{
    auto* state = static_cast<State*>(handle->data);
    if (state == nullptr) {
        return;
    }
    unsigned ready = static_cast<unsigned>(events);
    if (status < 0) {
        // libuv has stopped the handle; the error shows itself at the next read or write.
        state->watched = 0;
        ready = readable | writable;
    }
    const Callback call = state->on_ready;  // it may destroy this watcher
    call(ready);
}

Result<FdWatcher> FdWatcher::create(EventLoop& loop, int fd, Callback on_ready)
{
    auto state = std::make_unique<State>(State{.on_ready = std::move(on_ready), .watched = 0});
    auto raw = std::make_unique<uv_poll_t>();
    if (const int status = uv_poll_init(loop.raw(), raw.get(), fd); status != 0) {
        return fail_uv("uv_poll_init", status);
    }
    UvHandle<uv_poll_t> handle{raw.release()};
    handle->data = state.get();
    return FdWatcher{std::move(handle), std::move(state)};
}

void FdWatcher::watch(unsigned events)
{
    if (events == state_->watched) {
        return;
    }
    state_->watched = events;
    const int status = events == 0
                           ? uv_poll_stop(handle_.get())
                           : uv_poll_start(handle_.get(), static_cast<int>(events), on_poll);
    JOBMILL_ASSERT(status == 0);
}

}  // namespace jobmill::loop
