// SPDX-License-Identifier: MIT
#include "client/commands/output.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "client/commands/interrupts.hpp"
#include "client/commands/notice.hpp"

namespace jobmill::commands {

bool write_all(int fd, ByteView bytes)
{
    while (!bytes.empty()) {
        const ssize_t size = ::write(fd, bytes.data(), bytes.size());
        if (size >= 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(size));
            continue;
        }
        if (errno == EINTR && !interrupted()) {
            continue;
        }
        if (errno == EAGAIN) {
            pollfd writable{fd, POLLOUT, 0};
            (void)::poll(&writable, 1, -1);
            continue;
        }
        if (errno != EPIPE && errno != EINTR && fd != standard_error) {
            notice(Error{fail_errno("writing the output", errno).value()}.what);
        }
        return false;
    }
    return true;
}

bool is_terminal_fd(int fd)
{
    return ::isatty(fd) == 1;
}

bool output_is_gone()
{
    pollfd output{standard_output, 0, 0};
    return ::poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

}  // namespace jobmill::commands
