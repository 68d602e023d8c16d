// SPDX-License-Identifier: MIT
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>

#include <doctest/doctest.h>

#include "common/places.hpp"

using namespace jobmill;

namespace {

/// A directory of this test's own, gone with it.
class OwnDirectory {
public:
    OwnDirectory() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
    ~OwnDirectory() { (void)::rmdir(path_.c_str()); }
    OwnDirectory(const OwnDirectory&) = delete;
    OwnDirectory& operator=(const OwnDirectory&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_ = "/tmp/jobmill-places-XXXXXX";
};

}  // namespace

TEST_CASE("JOBMILL_SOCKET decides before everything else")
{
    CHECK(user_socket_path({.jobmill_socket = "/x/y.sock",
                            .runtime_dir = "/run/user/7",
                            .state_home = {},
                            .config_home = {},
                            .home = "/home/u",
                            .uid = 7}) == "/x/y.sock");
}

TEST_CASE("the socket is in the runtime directory, else in a directory of the user's in tmp")
{
    Surroundings surroundings;
    surroundings.uid = 7;
    CHECK(user_socket_path(surroundings) == "/tmp/jobmill-7/jobmill.sock");
    surroundings.runtime_dir = "/run/user/7";
    CHECK(user_socket_path(surroundings) == "/run/user/7/jobmill/jobmill.sock");
}

TEST_CASE("state is kept where XDG says, else at home, else beside the socket")
{
    Surroundings surroundings;
    surroundings.jobmill_socket = "/x/y.sock";
    CHECK(user_state_dir(surroundings) == "/x");
    surroundings.home = "/home/u";
    CHECK(user_state_dir(surroundings) == "/home/u/.local/state/jobmill");
    surroundings.state_home = "/state";
    CHECK(user_state_dir(surroundings) == "/state/jobmill");
}

TEST_CASE("the configuration is where XDG says, else at home")
{
    Surroundings surroundings;
    surroundings.home = "/home/u";
    CHECK(user_config_path(surroundings) == "/home/u/.config/jobmill/jobmill.toml");
    surroundings.config_home = "/etc/xdg";
    CHECK(user_config_path(surroundings) == "/etc/xdg/jobmill/jobmill.toml");
}

TEST_CASE("a socket path that could not be bound is refused before anyone tries")
{
    CHECK(check_socket_path("/run/x.sock").has_value());
    CHECK(check_socket_path("/" + std::string(longest_socket_path - 1, 'x')).has_value());
    const auto too_long = check_socket_path("/" + std::string(longest_socket_path, 'x'));
    REQUIRE_FALSE(too_long.has_value());
    CHECK(too_long.error().what.find("of 108 bytes; the limit is 107") != std::string::npos);
    CHECK_FALSE(check_socket_path("").has_value());
    CHECK_FALSE(check_socket_path("x.sock").has_value());
}

TEST_CASE("a socket below a runtime directory that is not the user's alone is refused")
{
    const OwnDirectory directory;
    const unsigned uid = ::getuid();
    Surroundings surroundings;
    surroundings.runtime_dir = directory.path();
    const std::string socket = directory.path() + "/jobmill/jobmill.sock";
    CHECK(check_runtime_dir(surroundings, socket, uid).has_value());
    const auto foreign = check_runtime_dir(surroundings, socket, uid + 1);
    REQUIRE_FALSE(foreign.has_value());
    CHECK(foreign.error().code == Errc::not_allowed);
    CHECK(foreign.error().what.find("belongs to user " + std::to_string(uid)) != std::string::npos);
    for (const mode_t mode : {0777U, 0770U, 01777U}) {
        REQUIRE(::chmod(directory.path().c_str(), mode) == 0);
        CHECK_FALSE(check_runtime_dir(surroundings, socket, uid).has_value());
        CHECK(check_runtime_dir(surroundings, "/tmp/x/s", uid).has_value());
        CHECK(check_runtime_dir(surroundings, directory.path() + "x/s", uid).has_value());
    }
    surroundings.runtime_dir += "/none";  // for whoever makes something there
    CHECK(check_runtime_dir(surroundings, directory.path() + "/none/s", uid).has_value());
}

TEST_CASE("a socket directory that others may write to is refused")
{
    const OwnDirectory directory;
    const unsigned uid = ::getuid();
    CHECK(check_socket_dir(directory.path(), uid).has_value());
    REQUIRE(::chmod(directory.path().c_str(), 0777) == 0);
    CHECK_FALSE(check_socket_dir(directory.path(), uid).has_value());
    REQUIRE(::chmod(directory.path().c_str(), 0720) == 0);
    CHECK_FALSE(check_socket_dir(directory.path(), uid).has_value());
    REQUIRE(::chmod(directory.path().c_str(), 0750) == 0);
    CHECK(check_socket_dir(directory.path(), uid).has_value());
}

TEST_CASE("a link in place of the socket directory is refused")
{
    const OwnDirectory directory;
    const std::string link = directory.path() + "/link";
    REQUIRE(::symlink("/", link.c_str()) == 0);
    CHECK_FALSE(check_socket_dir(link, ::getuid()).has_value());
    (void)::unlink(link.c_str());
    const auto missing = check_socket_dir(link, ::getuid());
    REQUIRE_FALSE(missing.has_value());
    CHECK(missing.error().code == Errc::not_found);
}
