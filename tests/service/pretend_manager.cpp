// SPDX-License-Identifier: MIT
#include "tests/service/pretend_manager.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace jobmill::tests {
namespace {

/// Above what the programs on the way use themselves.
constexpr int lowest_listening = 100;

[[noreturn]] void give_up(const std::string& what)
{
    throw std::runtime_error{what + ": " + std::strerror(errno)};
}

}  // namespace

void PretendManager::listen()
{
    const UniqueFd bound{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket().copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    if (::bind(bound.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(bound.get(), SOMAXCONN) != 0) {
        give_up("listening at " + socket());
    }
    listening_.reset(::fcntl(bound.get(), F_DUPFD, lowest_listening));
    if (!listening_) {
        give_up("F_DUPFD");
    }
}

std::unique_ptr<DaemonUnderTest> PretendManager::start(
    const std::string& config, const std::vector<std::string>& variables) const
{
    return start_at(socket(), config, variables);
}

std::unique_ptr<DaemonUnderTest> PretendManager::start_at(
    const std::string& socket, const std::string& config,
    const std::vector<std::string>& variables) const
{
    // The shell becomes the daemon, so its number is the one that the variables must name.
    std::string script = "export NOTIFY_SOCKET=" + notify_.path();
    for (const std::string& variable : variables) {
        script += " " + variable;
    }
    if (listening_) {
        const std::string number = std::to_string(listening_.get());
        script += " LISTEN_FDS=1 LISTEN_PID=$$; exec \"$@\" 3<&" + number + " " + number + "<&-";
    } else {
        script += "; exec \"$@\"";
    }
    return std::make_unique<DaemonUnderTest>(place_,
                                             DaemonSetup{.config = config,
                                                         .arguments = {},
                                                         .prefix = {"bash", "-c", script, "bash"},
                                                         .socket = socket});
}

bool PretendManager::hears_within(std::chrono::milliseconds time) const
{
    pollfd watched{notify_.fd(), POLLIN, 0};
    return ::poll(&watched, 1, static_cast<int>(time.count())) > 0;
}

std::string PretendManager::await(std::string_view part) const
{
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < deadline) {
        if (!hears_within(std::chrono::milliseconds{100})) {
            continue;
        }
        if (auto message = notify_.next(); message->find(part) != std::string::npos) {
            return std::move(*message);
        }
    }
    throw std::runtime_error{"the daemon never told its manager \"" + std::string{part} + "\""};
}

std::vector<std::string> PretendManager::heard() const
{
    std::vector<std::string> all;
    while (auto message = notify_.next()) {
        all.push_back(std::move(*message));
    }
    return all;
}

}  // namespace jobmill::tests
