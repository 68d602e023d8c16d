// SPDX-License-Identifier: MIT
#include "tests/e2e/raw_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "tests/support/daemon_under_test.hpp"

namespace jobmill::tests {
namespace {

/// The kernel's own limit for one message.
constexpr std::size_t most_descriptors = 253;

[[noreturn]] void give_up(const std::string& what)
{
    throw std::runtime_error{what + ": " + std::strerror(errno)};
}

ssize_t send_part(int socket, ByteView bytes, std::span<const int> fds)
{
    iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * most_descriptors)> control{};
    if (!fds.empty()) {
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(fds.size_bytes());
        auto* const head = reinterpret_cast<cmsghdr*>(control.data());
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(fds.size_bytes());
        std::memcpy(CMSG_DATA(head), fds.data(), fds.size_bytes());
    }
    return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

RawClient::RawClient(const std::string& socket_path)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
        0) {
        give_up("connecting to " + socket_path);
    }
}

void RawClient::await(short events) const
{
    const int time = static_cast<int>(std::chrono::milliseconds{patience}.count());
    pollfd state{socket_.get(), events, 0};
    if (::poll(&state, 1, time) <= 0) {
        throw std::runtime_error{"nothing came from the daemon, or went to it, in time; unread: " +
                                 std::string{text_of(ByteView{unread_}.first(
                                     std::min<std::size_t>(unread_.size(), 512)))}};
    }
}

void RawClient::send(ByteView bytes, std::span<const int> fds)
{
    while (!bytes.empty()) {
        const ssize_t sent = send_part(socket_.get(), bytes, fds);
        if (sent < 0 && errno != EAGAIN) {
            give_up("sendmsg");
        }
        if (sent < 0) {
            await(POLLOUT);
            continue;
        }
        fds = {};
        bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
}

void RawClient::send_while_reading(ByteView bytes)
{
    while (!bytes.empty()) {
        await(POLLIN | POLLOUT);
        const ssize_t sent = send_part(socket_.get(), bytes, {});
        if (sent < 0 && errno != EAGAIN) {
            give_up("sendmsg");
        }
        bytes = bytes.subspan(static_cast<std::size_t>(std::max<ssize_t>(0, sent)));
        while (readable_within(std::chrono::milliseconds{0}) && read_some()) {
        }
    }
}

bool RawClient::read_some()
{
    static thread_local std::array<std::byte, 256 * 1024> buffer;
    await(POLLIN);
    const ssize_t size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (size < 0 && errno != ECONNRESET) {
        give_up("recv");
    }
    if (size <= 0) {
        return false;
    }
    append(unread_, ByteView{buffer}.first(static_cast<std::size_t>(size)));
    return true;
}

bool RawClient::readable_within(std::chrono::milliseconds time) const
{
    pollfd state{socket_.get(), POLLIN, 0};
    return ::poll(&state, 1, static_cast<int>(time.count())) > 0;
}

void RawClient::await_end()
{
    while (read_some()) {
    }
}

void RawClient::end_output() const
{
    (void)::shutdown(socket_.get(), SHUT_WR);
}

}  // namespace jobmill::tests
