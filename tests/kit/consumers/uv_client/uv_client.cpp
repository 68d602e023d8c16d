// SPDX-License-Identifier: MIT
// A client on a libuv loop that is the user's own, beside a timer.
#include <poll.h>
#include <uv.h>

#include "../errand.hpp"

namespace {

class Session {
public:
    Session(uv_loop_t* loop, jobmill::Client& client) : client_(client), errand_(client)
    {
        uv_poll_init(loop, &socket_, client_.fd());
        uv_timer_init(loop, &ticker_);
        socket_.data = ticker_.data = this;
        errand_.submit();
        watch();
        uv_timer_start(
            &ticker_, [](uv_timer_t* timer) { of(timer->data).on_tick(); }, 1, 1);
    }

    [[nodiscard]] bool good() const { return errand_.good() && ticks_ > 0; }

private:
    static Session& of(void* data) { return *static_cast<Session*>(data); }

    void watch()
    {
        const short wanted = client_.wanted_events();
        const int events = ((wanted & POLLIN) != 0 ? UV_READABLE : 0) |
                           ((wanted & POLLOUT) != 0 ? UV_WRITABLE : 0);
        uv_poll_start(&socket_, events,
                      [](uv_poll_t* handle, int, int) { of(handle->data).on_ready(); });
    }

    void on_ready()
    {
        if (const auto ready = client_.on_ready(); !ready) {
            errand_.complain(ready.error().what);
        }
        while (const auto event = client_.poll_event()) {
            errand_.take(*event);
        }
        errand_.submit();
        if (errand_.finished()) {
            uv_close(reinterpret_cast<uv_handle_t*>(&socket_), nullptr);
            uv_close(reinterpret_cast<uv_handle_t*>(&ticker_), nullptr);
        } else {
            watch();
        }
    }

    void on_tick() { ++ticks_; }

    jobmill::Client& client_;
    Errand errand_;
    uv_poll_t socket_{};
    uv_timer_t ticker_{};
    int ticks_ = 0;
};

}  // namespace

int main()
{
    auto client = jobmill::Client::connect();
    if (!client) {
        (void)std::fprintf(stderr, "%s\n", client.error().what.c_str());
        return 1;
    }
    uv_loop_t loop;
    uv_loop_init(&loop);
    Session session{&loop, *client};
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop) == 0 && session.good() ? 0 : 1;
}
