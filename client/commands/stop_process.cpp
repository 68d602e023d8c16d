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
#include "common/unique_fd.hpp"

namespace jobmill::commands {

Result<bool> stop_process(pid_t pid, std::chrono::milliseconds patience)
{
    using Clock = std::chrono::steady_clock;
    const UniqueFd process{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
    if (!process) {
        return fail_errno("opening process " + std::to_string(pid), errno);
    }
    if (::syscall(SYS_pidfd_send_signal, process.get(), SIGTERM, nullptr, 0) != 0) {
        return fail_errno("stopping process " + std::to_string(pid), errno);
    }
    std::array<pollfd, 2> fds{pollfd{process.get(), POLLIN, 0}, pollfd{interrupt_fd(), POLLIN, 0}};
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
