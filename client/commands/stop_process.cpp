// SPDX-License-Identifier: MIT
#include "client/commands/stop_process.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "client/commands/interrupts.hpp"

namespace jobmill::commands {

Result<bool> stop_process(const FoundDaemon& daemon, std::chrono::milliseconds patience)
{
    using Clock = std::chrono::steady_clock;
    const int process = daemon.process.get();
    if (::syscall(SYS_pidfd_send_signal, process, SIGTERM, nullptr, 0) != 0 && errno != ESRCH) {
        return fail_errno("stopping process " + std::to_string(daemon.pid), errno);
    }
    std::array<pollfd, 2> fds{pollfd{process, POLLIN, 0}, pollfd{interrupt_fd(), POLLIN, 0}};
    const auto deadline = Clock::now() + patience;
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        const int count =
            ::poll(fds.data(), fds.size(), static_cast<int>(std::max<long>(0, left.count())));
        if (fds[0].revents != 0) {
            return true;
        }
        if (count == 0 || interrupted() != 0) {
            return false;
        }
    }
}

}  // namespace jobmill::commands
