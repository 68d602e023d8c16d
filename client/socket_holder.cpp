// SPDX-License-Identifier: MIT
#include "client/socket_holder.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <string_view>
#include <utility>

#include "client/held_lock.hpp"

namespace jobmill {
namespace {

UniqueFd open_file(const std::string& path)
{
    return UniqueFd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
}

/// The beginning of a small file; empty when it cannot be read.
std::string beginning_of(const UniqueFd& file)
{
    std::array<char, 32> text{};
    const ssize_t size = file ? ::read(file.get(), text.data(), text.size()) : 0;
    return {text.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

bool is_daemon(pid_t pid)
{
    return pid > 0 &&
           beginning_of(open_file("/proc/" + std::to_string(pid) + "/comm")) == "jobmilld\n";
}

/// Dead ones that nobody has reaped are none any more.
std::optional<FoundDaemon> find_daemon_process(pid_t pid)
{
    if (pid <= 0) {
        return {};
    }
    FoundDaemon found{pid, UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))}};
    // In this order: as long as it lives, what is said of its number is said of it.
    const bool named_so = found.process && is_daemon(pid);
    pollfd left{found.process.get(), POLLIN, 0};
    return named_so && ::poll(&left, 1, 0) == 0 ? std::optional{std::move(found)} : std::nullopt;
}

/// Who called listen, in this pid namespace; 0 when he is not in it.
pid_t listener_of(int socket)
{
    ucred listener{};
    socklen_t size = sizeof listener;
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &listener, &size) == 0 ? listener.pid : 0;
}

}  // namespace

std::optional<FoundDaemon> find_socket_holder(const std::string& socket)
{
    const UniqueFd lock = open_file(socket + ".lock");
    const std::string text = beginning_of(lock);
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
    auto found = error == std::errc{} ? find_daemon_process(pid) : std::nullopt;
    // A file that was left behind may name any process.
    return found && holds_lock(pid, lock.get()) ? std::move(found) : std::nullopt;
}

std::optional<pid_t> socket_holder(const std::string& socket)
{
    const auto found = find_socket_holder(socket);
    return found ? std::optional{found->pid} : std::nullopt;
}

std::optional<FoundDaemon> find_peer_daemon(int socket, pid_t own_pid)
{
    if (auto listener = find_daemon_process(listener_of(socket))) {
        return listener;
    }
    const std::string path = bound_path(socket);
    auto holder = path.empty() ? std::nullopt : find_socket_holder(path);
    return holder && holder->pid == own_pid ? std::move(holder) : std::nullopt;
}

bool leads_to_daemon(int socket, const std::string& path)
{
    // Where a service manager listens, it is that; the daemon holds the place all the same.
    return is_daemon(listener_of(socket)) || (!path.empty() && socket_holder(path));
}

std::string bound_path(int socket)
{
    sockaddr_un address{};
    socklen_t size = sizeof address;
    if (::getpeername(socket, static_cast<sockaddr*>(static_cast<void*>(&address)), &size) != 0 ||
        address.sun_family != AF_UNIX || size <= offsetof(sockaddr_un, sun_path)) {
        return {};
    }
    const std::string_view path{static_cast<const char*>(address.sun_path),
                                size - offsetof(sockaddr_un, sun_path)};
    return std::string{path.substr(0, path.find('\0'))};
}

}  // namespace jobmill
