// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "common/unique_fd.hpp"
#include "jobmill/result.hpp"

namespace jobmill::daemon {

/// The daemon's socket in its directory: held by one daemon at a time. Whoever holds the lock may
/// remove what is in the way; nobody else may. A lock is held at its path: the directory may be
/// removed and made anew, and then another daemon holds the one that is there.
class SocketPlace {
public:
    /// Makes the directory if it is missing, judges it, takes the lock, and binds and listens: for
    /// the daemon's own user, and for the members of a group if one is given. Errc::in_use names
    /// the daemon that holds the place.
    [[nodiscard]] static Result<SocketPlace> take(const std::string& path,
                                                  std::optional<gid_t> group = {});

    /// Takes over the one socket that the service manager has bound and listens at, and the lock
    /// beside it. Whose it is and who may connect was decided there; it is not removed at the end,
    /// and who connects between two daemons waits for the second.
    [[nodiscard]] static Result<SocketPlace> adopt(std::vector<UniqueFd> passed);

    SocketPlace(SocketPlace&&) noexcept = default;
    SocketPlace& operator=(SocketPlace&&) = delete;
    ~SocketPlace();

    [[nodiscard]] int socket() const noexcept { return socket_.get(); }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// False when somebody has removed or replaced the file that clients connect to. What the
    /// service manager has bound is its own affair.
    [[nodiscard]] bool is_reachable() const;
    /// Listens at the path anew, where that file is not there any more. Errc::in_use when the lock
    /// is not there either: the directory is another one, or none, or the place another daemon's.
    [[nodiscard]] Result<void> bind_again();

    /// Nobody reaches this daemon any more; the place stays taken.
    void close();

private:
    enum class Owner { daemon, service_manager };

    /// Of a file that is open, so that no other gets its number meanwhile.
    struct FileId {
        dev_t device = 0;
        ino_t inode = 0;

        bool operator==(const FileId&) const = default;
    };

    SocketPlace(std::string path, UniqueFd lock, UniqueFd socket, Owner owner,
                std::optional<gid_t> group = {});

    [[nodiscard]] static FileId file_at(const std::string& path);
    [[nodiscard]] bool holds_lock() const;
    [[nodiscard]] bool socket_is_there() const { return file_at(path_) == socket_file_; }

    std::string path_;
    UniqueFd lock_;
    UniqueFd socket_;
    Owner owner_;
    std::optional<gid_t> group_;
    FileId socket_file_;
};

}  // namespace jobmill::daemon
