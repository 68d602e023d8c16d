// SPDX-License-Identifier: MIT
#include "client/commands/listener.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "client/commands/interrupts.hpp"
#include "client/commands/output.hpp"

namespace jobmill::commands {
namespace {

using Clock = std::chrono::steady_clock;

int timeout_of(const Wanted& wanted)
{
    if (!wanted.deadline) {
        return -1;
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*wanted.deadline - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

}  // namespace

Result<Woken> listen(Client& client, const Wanted& wanted)
{
    const std::array output = wanted_of_output();
    std::array<pollfd, 5> fds{
        pollfd{wanted.interrupts && output_is_full() ? -1 : client.fd(), client.wanted_events(), 0},
        pollfd{wanted.interrupts ? interrupt_fd() : -1, POLLIN, 0},
        pollfd{wanted.input ? standard_input : -1, POLLIN, 0},
        wanted.interrupts ? output[0] : pollfd{-1, 0, 0},
        wanted.interrupts ? output[1] : pollfd{-1, 0, 0},
    };
    const int count = ::poll(fds.data(), fds.size(), timeout_of(wanted));
    if (count < 0 && errno != EINTR) {
        return fail_errno("poll", errno);
    }
    Woken woken;
    woken.late = count == 0;
    woken.interrupted = wanted.interrupts && interrupted() != 0;
    if (count > 0) {
        woken.input = fds[2].revents != 0;
        woken.output_gone = (fds[3].revents & POLLERR) != 0 || !write_kept();
        if (fds[0].revents != 0) {
            JOBMILL_TRY(client.on_ready());
        }
    }
    return woken;
}

Result<std::optional<ClientEvent>> next_event(Client& client)
{
    while (true) {
        if (auto event = client.poll_event()) {
            return event;
        }
        JOBMILL_TRY_ASSIGN(const Woken woken, listen(client, {}));
        if (woken.interrupted || woken.output_gone) {
            return std::optional<ClientEvent>{};
        }
    }
}

void wait_for_the_end(Client& client)
{
    const Wanted wanted{.interrupts = false, .deadline = Clock::now() + end_patience};
    while (client.unfinished() > 0) {
        while (client.poll_event()) {
        }
        if (client.unfinished() == 0) {
            return;
        }
        const Result<Woken> woken = listen(client, wanted);
        if (!woken || woken->late) {
            return;
        }
    }
}

}  // namespace jobmill::commands
