// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "common/unique_fd.hpp"
#include "jobmill/result.hpp"

namespace jobmill::daemon {

/// The daemon's socket in its directory: held by one daemon at a time. Whoever holds the lock may
/// remove what is in the way; nobody else may.
class SocketPlace {
public:
    /// Makes the directory (0700) if it is missing, judges it, takes the lock, and binds and
    /// listens, mode 0600. Errc::in_use names the daemon that holds the place.
    [[nodiscard]] static Result<SocketPlace> take(const std::string& path);

    SocketPlace(SocketPlace&&) noexcept = default;
    SocketPlace& operator=(SocketPlace&&) = delete;
    ~SocketPlace();

    [[nodiscard]] int socket() const noexcept { return socket_.get(); }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// Nobody can connect any more; the place stays taken.
    void close();

private:
    SocketPlace(std::string path, UniqueFd lock, UniqueFd socket)
        : path_(std::move(path)), lock_(std::move(lock)), socket_(std::move(socket))
    {
    }

    std::string path_;
    UniqueFd lock_;
    UniqueFd socket_;
};

}  // namespace jobmill::daemon
