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
#include <cstddef>
#include <cstring>
#include <string_view>

#include "common/fd_io.hpp"
#include "common/places.hpp"
#include "daemon/log.hpp"

namespace jobmill::daemon {
namespace {

constexpr mode_t directory_mode = 0700;
constexpr mode_t group_directory_mode = 0750;
constexpr mode_t socket_mode = 0600;
constexpr mode_t group_socket_mode = 0660;

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
        const std::string pid = holder_of(lock.get());
        return fail(Errc::in_use, "another jobmilld" + (pid.empty() ? "" : " (pid " + pid + ")") +
                                      " is running here: it holds " + path);
    }
    // For those who ask who it is; on a full disk the lock alone must do.
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(lock.get(), 0) != 0 ||
        ::pwrite(lock.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
        log::warning("lock without a name", {{"cause", "writing " + path}}, log::always);
    }
    return lock;
}

/// Whether the members of a group get through a directory, as its mode says.
bool lets_pass(const struct stat& directory, gid_t group)
{
    return (directory.st_mode & (directory.st_gid == group ? S_IXGRP : S_IXOTH)) != 0;
}

Result<void> give_to_group(int directory, const std::string& path, gid_t group)
{
    // After mkdir, which is subject to the umask; the group first, then what it may.
    if (::fchown(directory, static_cast<uid_t>(-1), group) != 0 ||
        ::fchmod(directory, group_directory_mode) != 0) {
        return fail_errno("giving the socket's directory " + path + " to its group", errno);
    }
    return {};
}

/// Only what is there for jobmill's sake: a client that starts the daemon makes it before the
/// daemon, for the user alone. Another directory, a home say, is not ours to open.
bool is_jobmills(const std::string& path, const struct stat& directory)
{
    const std::string_view name = std::string_view{path}.substr(path.rfind('/') + 1);
    return directory.st_uid == ::geteuid() &&
           (name == "jobmill" || name == "jobmill-" + std::to_string(directory.st_uid));
}

/// As it should be from its first moment on: others cannot reach what lies in it before it is.
Result<void> make_directory(const std::string& path, std::optional<gid_t> group)
{
    const bool made = ::mkdir(path.c_str(), directory_mode) == 0;
    if (!made && errno != EEXIST) {
        return fail_errno("making the socket's directory " + path, errno);
    }
    if (!group) {
        return {};
    }
    const UniqueFd directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    struct stat status {};
    if (!directory || ::fstat(directory.get(), &status) != 0) {
        return {};  // it is judged as a whole after this
    }
    const bool ours = made || is_jobmills(path, status);
    return ours && !lets_pass(status, *group) ? give_to_group(directory.get(), path, *group)
                                              : Result<void>{};
}

/// The first directory on the way to the socket that keeps the group out; empty when none does.
std::string barrier(const std::string& directory, gid_t group)
{
    for (std::size_t end = directory.find('/', 1);; end = directory.find('/', end + 1)) {
        std::string part = directory.substr(0, end);
        struct stat status {};
        if (::stat(part.c_str(), &status) == 0 && !lets_pass(status, group)) {
            return part;
        }
        if (end == std::string::npos) {
            return {};
        }
    }
}

Result<UniqueFd> listen_at(const std::string& path, std::optional<gid_t> group)
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
    // bind makes the file, with our own group and subject to the umask.
    if (group && (::chown(path.c_str(), static_cast<uid_t>(-1), *group) != 0 ||
                  ::chmod(path.c_str(), group_socket_mode) != 0)) {
        return fail_errno("giving " + path + " to its group", errno);
    }
    if (::listen(socket.get(), SOMAXCONN) != 0) {
        return fail_errno("listening at " + path, errno);
    }
    return socket;
}

std::string directory_of(const std::string& path)
{
    return path.substr(0, std::max<std::size_t>(1, path.rfind('/')));
}

tl::unexpected<Error> refuse_passed(const std::string& why)
{
    return fail(Errc::invalid, "the service manager passed " + why +
                                   "; want one ListenStream= with an absolute path");
}

int option_of(int socket, int option)
{
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(socket, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

/// Where a passed socket listens, if it is of the kind that we serve.
Result<std::string> path_of_passed(int socket)
{
    const int domain = option_of(socket, SO_DOMAIN);
    if (domain < 0) {
        return refuse_passed("what is no socket");
    }
    if (domain != AF_UNIX) {
        return refuse_passed("a socket of address family " + std::to_string(domain));
    }
    if (option_of(socket, SO_TYPE) != SOCK_STREAM) {
        return refuse_passed("a Unix socket that is no stream");
    }
    if (option_of(socket, SO_ACCEPTCONN) != 1) {
        return refuse_passed("a Unix socket that does not listen");
    }
    sockaddr_un address{};
    socklen_t size = sizeof address;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        return fail_errno("getsockname of the passed socket", errno);
    }
    const std::size_t length = size - offsetof(sockaddr_un, sun_path);
    const char* const name = static_cast<const char*>(address.sun_path);
    if (length == 0 || name[0] != '/') {
        return refuse_passed("a Unix socket without a path");
    }
    return std::string{name, ::strnlen(name, length)};
}

std::string lock_of(const std::string& path)
{
    return path + ".lock";
}

}  // namespace

SocketPlace::SocketPlace(std::string path, UniqueFd lock, UniqueFd socket, Owner owner,
                         std::optional<gid_t> group)
    : path_(std::move(path)),
      lock_(std::move(lock)),
      socket_(std::move(socket)),
      owner_(owner),
      group_(group),
      socket_file_(file_at(path_))
{
}

Result<SocketPlace> SocketPlace::take(const std::string& path, std::optional<gid_t> group)
{
    JOBMILL_TRY(check_socket_path(path));
    const std::string directory = directory_of(path);
    JOBMILL_TRY(make_directory(directory, group));
    JOBMILL_TRY(check_socket_dir(directory, ::geteuid()));
    JOBMILL_TRY_ASSIGN(UniqueFd lock, take_lock(lock_of(path)));
    JOBMILL_TRY_ASSIGN(UniqueFd socket, listen_at(path, group));
    const std::string closed = group ? barrier(directory, *group) : "";
    if (!closed.empty()) {
        log::warning("group cannot reach the socket",
                     {{"socket", path}, {"cause", closed + " does not let it pass"}}, log::always);
    }
    return SocketPlace{path, std::move(lock), std::move(socket), Owner::daemon, group};
}

Result<SocketPlace> SocketPlace::adopt(std::vector<UniqueFd> passed)
{
    if (passed.size() != 1) {
        return refuse_passed(std::to_string(passed.size()) + " sockets");
    }
    UniqueFd socket = std::move(passed.front());
    JOBMILL_TRY_ASSIGN(const std::string path, path_of_passed(socket.get()));
    JOBMILL_TRY(check_socket_dir(directory_of(path), ::geteuid()));
    JOBMILL_TRY_ASSIGN(UniqueFd lock, take_lock(lock_of(path)));
    JOBMILL_TRY(set_nonblocking(socket.get()));
    return SocketPlace{path, std::move(lock), std::move(socket), Owner::service_manager};
}

bool SocketPlace::is_reachable() const
{
    return owner_ == Owner::service_manager || !socket_ || socket_is_there();
}

Result<void> SocketPlace::bind_again()
{
    if (!holds_lock()) {
        return fail(Errc::in_use, "its lock " + lock_of(path_) + " is not there any more");
    }
    JOBMILL_TRY_ASSIGN(socket_, listen_at(path_, group_));
    socket_file_ = file_at(path_);
    return {};
}

void SocketPlace::close()
{
    if (!socket_) {
        return;
    }
    if (owner_ == Owner::daemon && holds_lock() && socket_is_there()) {
        (void)::unlink(path_.c_str());
    }
    socket_.reset();
}

/// Zeros when there is none.
SocketPlace::FileId SocketPlace::file_at(const std::string& path)
{
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        return {};
    }
    return {.device = status.st_dev, .inode = status.st_ino};
}

bool SocketPlace::holds_lock() const
{
    struct stat held {};
    return ::fstat(lock_.get(), &held) == 0 &&
           file_at(lock_of(path_)) == FileId{.device = held.st_dev, .inode = held.st_ino};
}

SocketPlace::~SocketPlace()
{
    close();
}

}  // namespace jobmill::daemon
