// SPDX-License-Identifier: MIT
// A client on a poll() loop that has something else to watch: a timer that must go on ticking.
// Starts the user's daemon if there is none.
#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>

#include <jobmill/start.hpp>

#include "../errand.hpp"

int main()
{
    auto client = jobmill::connect_or_start();
    if (!client) {
        (void)std::fprintf(stderr, "%s\n", client.error().what.c_str());
        return 1;
    }
    const int ticker = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    const itimerspec every_millisecond{{0, 1'000'000}, {0, 1'000'000}};
    if (ticker < 0 || timerfd_settime(ticker, 0, &every_millisecond, nullptr) != 0) {
        return 1;
    }
    Errand errand{*client};
    int ticks = 0;
    errand.submit();
    while (!errand.finished()) {
        std::array<pollfd, 2> watched{
            {{client->fd(), client->wanted_events(), 0}, {ticker, POLLIN, 0}}};
        if (poll(watched.data(), watched.size(), 30'000) <= 0) {
            errand.complain("nothing happens");
            break;
        }
        if (watched[0].revents != 0) {
            if (const auto ready = client->on_ready(); !ready) {
                errand.complain(ready.error().what);
            }
        }
        std::uint64_t expired = 0;
        if (watched[1].revents != 0 && read(ticker, &expired, sizeof expired) > 0) {
            ++ticks;
        }
        while (const auto event = client->poll_event()) {
            errand.take(*event);
        }
        errand.submit();
    }
    close(ticker);
    return errand.good() && ticks > 0 ? 0 : 1;
}
