// SPDX-License-Identifier: MIT
#include "daemon/socket_place.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "common/places.hpp"

namespace jobmill::daemon {
namespace {

constexpr mode_t directory_mode = 0700;
constexpr mode_t socket_mode = 0600;

std::string holder_of(int lock)
{
    std::array<char, 32> text{};
    const ssize_t size = ::pread(lock, text.data(), text.size() - 1, 0);
    std::string pid{text.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
    while (!pid.empty() && pid.back() == '\n') {
        pid.pop_back();
    }
    return pid;
}

Result<UniqueFd> take_lock(const std::string& path)
{
    UniqueFd lock{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, socket_mode)};
    if (!lock) {
        return fail_errno("lock file " + path, errno);
    }
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return fail_errno("locking " + path, errno);
        }
        return fail(Errc::in_use, "another jobmilld (pid " + holder_of(lock.get()) +
                                      ") is running here: it holds " + path);
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(lock.get(), 0) != 0 ||
        ::pwrite(lock.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
        return fail_errno("writing " + path, errno);
    }
    return lock;
}

Result<UniqueFd> listen_at(const std::string& path)
{
    UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket) {
        return fail_errno("socket", errno);
    }
    // Before bind: there is no moment at which others could connect.
    if (::fchmod(socket.get(), socket_mode) != 0) {
        return fail_errno("fchmod of the socket", errno);
    }
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode)) {
        return fail(Errc::not_allowed, path + " is there and is no socket");
    }
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(static_cast<char*>(address.sun_path), path.data(), path.size());
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
        return fail_errno("removing the stale socket " + path, errno);
    }
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return fail_errno("binding " + path, errno);
    }
    if (::listen(socket.get(), SOMAXCONN) != 0) {
        return fail_errno("listening at " + path, errno);
    }
    return socket;
}

}  // namespace

Result<SocketPlace> SocketPlace::take(const std::string& path)
{
    JOBMILL_TRY(check_socket_path(path));
    const std::string directory = path.substr(0, std::max<std::size_t>(1, path.rfind('/')));
    if (::mkdir(directory.c_str(), directory_mode) != 0 && errno != EEXIST) {
        return fail_errno("making the socket's directory " + directory, errno);
    }
    JOBMILL_TRY(check_socket_dir(directory, ::geteuid()));
    JOBMILL_TRY_ASSIGN(UniqueFd lock, take_lock(path + ".lock"));
    JOBMILL_TRY_ASSIGN(UniqueFd socket, listen_at(path));
    return SocketPlace{path, std::move(lock), std::move(socket)};
}

void SocketPlace::close()
{
    if (socket_) {
        (void)::unlink(path_.c_str());
        socket_.reset();
    }
}

SocketPlace::~SocketPlace()
{
    close();
}

}  // namespace jobmill::daemon
