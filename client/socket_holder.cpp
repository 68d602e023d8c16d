// SPDX-License-Identifier: MIT
#include "client/socket_holder.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string_view>

#include "common/unique_fd.hpp"

namespace jobmill {
namespace {

/// The beginning of a small file; empty when it cannot be read.
std::string beginning_of(const std::string& path)
{
    std::array<char, 32> text{};
    const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    const ssize_t size = file ? ::read(file.get(), text.data(), text.size()) : 0;
    return {text.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

/// Dead ones that nobody has reaped hold nothing any more.
bool is_alive(pid_t pid)
{
    const UniqueFd process{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
    pollfd left{process.get(), POLLIN, 0};
    return process && ::poll(&left, 1, 0) == 0;
}

bool is_daemon(pid_t pid)
{
    return beginning_of("/proc/" + std::to_string(pid) + "/comm") == "jobmilld\n";
}

}  // namespace

std::optional<pid_t> socket_holder(const std::string& socket)
{
    // Not asked by flock: a daemon that starts at this moment would find the place taken.
    const std::string text = beginning_of(socket + ".lock");
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
    if (error != std::errc{} || pid <= 0 || !is_alive(pid) || !is_daemon(pid)) {
        return {};
    }
    return pid;
}

bool leads_to_daemon(int socket, const std::string& path)
{
    ucred listener{};
    socklen_t size = sizeof listener;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &listener, &size) != 0) {
        return false;
    }
    // Where a service manager listens, it is that; the daemon holds the place all the same.
    return is_daemon(listener.pid) || (!path.empty() && socket_holder(path));
}

}  // namespace jobmill
