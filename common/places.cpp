// SPDX-License-Identifier: MIT
#include "common/places.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace jobmill {
namespace {

std::string from_environment(const char* name)
{
    // Read once at start, before there is any thread.
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
    return value == nullptr ? "" : value;
}

}  // namespace

Surroundings current_surroundings()
{
    return {.jobmill_socket = from_environment("JOBMILL_SOCKET"),
            .runtime_dir = from_environment("XDG_RUNTIME_DIR"),
            .state_home = from_environment("XDG_STATE_HOME"),
            .config_home = from_environment("XDG_CONFIG_HOME"),
            .home = from_environment("HOME"),
            .uid = ::getuid()};
}

std::string user_socket_path(const Surroundings& surroundings)
{
    return surroundings.jobmill_socket.empty() ? own_socket_path(surroundings)
                                               : surroundings.jobmill_socket;
}

std::string own_socket_path(const Surroundings& surroundings)
{
    if (!surroundings.runtime_dir.empty()) {
        return surroundings.runtime_dir + "/jobmill/jobmill.sock";
    }
    return "/tmp/jobmill-" + std::to_string(surroundings.uid) + "/jobmill.sock";
}

std::string user_state_dir(const Surroundings& surroundings)
{
    if (!surroundings.state_home.empty()) {
        return surroundings.state_home + "/jobmill";
    }
    if (!surroundings.home.empty()) {
        return surroundings.home + "/.local/state/jobmill";
    }
    const std::string socket = user_socket_path(surroundings);
    return socket.substr(0, socket.rfind('/'));
}

std::string user_config_path(const Surroundings& surroundings)
{
    if (!surroundings.config_home.empty()) {
        return surroundings.config_home + "/jobmill/jobmill.toml";
    }
    return surroundings.home + "/.config/jobmill/jobmill.toml";
}

Result<void> check_socket_path(const std::string& path)
{
    if (path.empty() || path.front() != '/') {
        return fail(Errc::invalid, "socket path \"" + path + "\" is not absolute");
    }
    if (path.size() > longest_socket_path) {
        return fail(Errc::invalid, "socket path of " + std::to_string(path.size()) +
                                       " bytes; the limit is " +
                                       std::to_string(longest_socket_path) + ": " + path);
    }
    return {};
}

Result<void> check_runtime_dir(const Surroundings& surroundings, const std::string& socket,
                               unsigned uid)
{
    const std::string& directory = surroundings.runtime_dir;
    struct stat status {};
    // One that is not there is told by whoever wants to make something in it.
    if (directory.empty() || !socket.starts_with(directory + "/") ||
        ::stat(directory.c_str(), &status) != 0) {
        return {};
    }
    const bool strange = status.st_uid != uid;
    if (!strange && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0) {
        return {};
    }
    return fail(Errc::not_allowed,
                directory +
                    (strange ? " belongs to user " + std::to_string(status.st_uid)
                             : " may be written by others") +
                    "; XDG_RUNTIME_DIR should be a directory of your own, or unset");
}

Result<void> check_socket_dir(const std::string& directory, unsigned uid)
{
    struct stat status {};
    if (::lstat(directory.c_str(), &status) != 0) {
        return fail_errno("socket directory " + directory, errno);
    }
    if (!S_ISDIR(status.st_mode)) {
        return fail(Errc::not_allowed, "socket directory " + directory + " is not a directory");
    }
    if (status.st_uid != uid && status.st_uid != 0) {
        return fail(Errc::not_allowed, "socket directory " + directory + " belongs to user " +
                                           std::to_string(status.st_uid));
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return fail(Errc::not_allowed,
                    "socket directory " + directory + " may be written by others (chmod 0700 it)");
    }
    return {};
}

}  // namespace jobmill
