// SPDX-License-Identifier: MIT
#include "common/fd_io.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "common/assert.hpp"
#include "common/limits.hpp"

namespace jobmill {
namespace {

/// The kernel's own limit for one message (SCM_MAX_FD).
constexpr std::size_t most_descriptors = 253;

}  // namespace

Result<std::size_t> send_some(int socket, ByteView bytes, std::span<const int> fds)
{
    JOBMILL_ASSERT(fds.size() <= limits::frame_descriptors);
    iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * limits::frame_descriptors)>
        control{};
    if (!fds.empty()) {
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(fds.size_bytes());
        cmsghdr* head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(fds.size_bytes());
        std::memcpy(CMSG_DATA(head), fds.data(), fds.size_bytes());
    }
    while (true) {
        const ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
        if (sent >= 0) {
            return static_cast<std::size_t>(sent);
        }
        if (errno == EAGAIN) {
            return std::size_t{0};
        }
        if (errno != EINTR) {
            return fail_errno("sendmsg", errno);
        }
    }
}

Result<void> send_all(int socket, ByteView bytes, std::span<const int> fds)
{
    while (!bytes.empty()) {
        JOBMILL_TRY_ASSIGN(const std::size_t sent, send_some(socket, bytes, fds));
        if (sent == 0) {
            pollfd writable{socket, POLLOUT, 0};
            (void)::poll(&writable, 1, -1);
            continue;
        }
        fds = {};
        bytes = bytes.subspan(sent);
    }
    return {};
}

Result<Received> receive_some(int socket, std::span<std::byte> to, std::deque<UniqueFd>& fds)
{
    iovec part{to.data(), to.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): the kernel writes what is read
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * most_descriptors)> control;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t size = 0;
    do {
        size = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (size < 0 && errno == EINTR);
    if (size < 0) {
        if (errno == EAGAIN) {
            return Received{.size = 0, .would_block = true, .end = false};
        }
        return fail_errno("recvmsg", errno);
    }
    for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr;
         head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        const std::size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof fd);
            fds.emplace_back(fd);
        }
    }
    if ((message.msg_flags & MSG_CTRUNC) != 0) {
        return fail(Errc::exhausted, "recvmsg: out of descriptors for those that were sent");
    }
    return Received{static_cast<std::size_t>(size), false, size == 0};
}

Result<SocketPair> make_socket_pair()
{
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
        return fail_errno("socketpair", errno);
    }
    return SocketPair{UniqueFd{pair[0]}, UniqueFd{pair[1]}};
}

Result<void> set_nonblocking(int fd)
{
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        return fail_errno("fcntl(O_NONBLOCK)", errno);
    }
    return {};
}

void occupy_standard_descriptors()
{
    int fd = -1;
    do {
        fd = ::open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO) {
        ::close(fd);
    }
}

}  // namespace jobmill
