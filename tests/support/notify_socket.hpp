// SPDX-License-Identifier: MIT
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>

#include "common/unique_fd.hpp"

namespace jobmill::tests {

/// What systemd is to a service: the socket behind NOTIFY_SOCKET, read one message at a time.
class NotifySocket {
public:
    /// A path, or a zero byte and an abstract name.
    explicit NotifySocket(std::string path) : path_(std::move(path))
    {
        socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path_.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path_.size());
        if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
            throw std::runtime_error("cannot bind " + path_);
        }
    }

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] int fd() const { return socket_.get(); }

    /// The next message, if one is there.
    [[nodiscard]] std::optional<std::string> next() const
    {
        std::array<char, 4096> buffer{};
        const ssize_t size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (size < 0) {
            return std::nullopt;
        }
        return std::string{buffer.data(), static_cast<std::size_t>(size)};
    }

private:
    std::string path_;
    UniqueFd socket_;
};

}  // namespace jobmill::tests
