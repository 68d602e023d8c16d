// SPDX-License-Identifier: MIT
#include "client/connect.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "client/socket_holder.hpp"
#include "common/places.hpp"

namespace jobmill {
namespace {

/// In /tmp anybody may have made our directory before us; whom we connect to gets what our jobs
/// say. A socket that was named is its namer's choice.
Result<void> check_own_place(const std::string& path)
{
    if (path != own_socket_path(current_surroundings())) {
        return {};
    }
    auto judged = check_socket_dir(path.substr(0, path.rfind('/')), ::geteuid());
    return judged || judged.error().code == Errc::not_found ? Result<void>{} : judged;
}

std::string how_to_start(const std::string& path)
{
    if (path == system_socket_path) {
        return "start the system's with: systemctl start jobmilld";
    }
    const bool usual = path == user_socket_path(current_surroundings());
    return "start one with: jobmill " + (usual ? "" : "-s " + path + " ") + "daemon start";
}

}  // namespace

Result<UniqueFd> connect_to(const std::string& path)
{
    JOBMILL_TRY(check_socket_path(path));
    JOBMILL_TRY(check_own_place(path));
    UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket) {
        return fail_errno("socket", errno);
    }
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(static_cast<char*>(address.sun_path), path.c_str(), path.size() + 1);
    int result = 0;
    do {
        result = ::connect(socket.get(), static_cast<const sockaddr*>(static_cast<void*>(&address)),
                           sizeof address);
    } while (result != 0 && errno == EINTR);
    if (result == 0) {
        return socket;
    }
    const int why = errno;
    if (why == ENOENT || why == ENOTDIR) {
        if (const auto holder = socket_holder(path)) {
            return fail(Errc::not_found, "the daemon at " + path + " (pid " +
                                             std::to_string(*holder) +
                                             ") takes no clients any more: it finishes its jobs");
        }
        return fail(Errc::not_found, "no daemon at " + path + "; " + how_to_start(path));
    }
    if (why == ECONNREFUSED) {
        // The kernel says the same of a file of any other kind.
        struct stat status {};
        if (::stat(path.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode)) {
            return fail(Errc::invalid, path + " is not a socket");
        }
        return fail(Errc::not_found, "no daemon listens at " + path +
                                         " (it left the socket behind); " + how_to_start(path));
    }
    if (why == EAGAIN) {
        return fail(Errc::in_use, "the daemon at " + path + " does not answer: its queue is full");
    }
    return fail_errno("connecting to " + path, why);
}

}  // namespace jobmill
