// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>

#include <doctest/doctest.h>

#include "common/places.hpp"
#include "daemon/socket_place.hpp"
#include "tests/unit/daemon/temp_directory.hpp"

using namespace jobmill;
using jobmill::daemon::SocketPlace;
using jobmill::tests::TempDirectory;

namespace {

SocketPlace taken(const std::string& path)
{
    auto place = SocketPlace::take(path);
    REQUIRE_MESSAGE(place.has_value(), place.error().what);
    return std::move(*place);
}

Error refused(const std::string& path)
{
    const auto place = SocketPlace::take(path);
    REQUIRE_FALSE(place.has_value());
    return place.error();
}

bool connects(const std::string& path)
{
    const UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
           0;
}

UniqueFd bound(const std::string& path, int type = SOCK_STREAM)
{
    UniqueFd socket{::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    // An abstract name has no zero byte at its end; what counts is the address's length.
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() +
                                             (path.starts_with('\0') ? 0 : 1));
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
    return socket;
}

/// As a service manager would have made it.
UniqueFd listening(const std::string& path)
{
    UniqueFd socket = bound(path);
    REQUIRE(::listen(socket.get(), 16) == 0);
    return socket;
}

std::vector<UniqueFd> passing(UniqueFd socket)
{
    std::vector<UniqueFd> sockets;
    sockets.push_back(std::move(socket));
    return sockets;
}

std::string not_adopted(std::vector<UniqueFd> sockets)
{
    const auto place = SocketPlace::adopt(std::move(sockets));
    REQUIRE_FALSE(place.has_value());
    CHECK(place.error().code == Errc::invalid);
    return place.error().what;
}

mode_t mode_of(const std::string& path)
{
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_mode;
}

/// While it lives, no file can be written, as on a full disk; sockets can.
class NoRoom {
public:
    NoRoom()
    {
        (void)std::signal(SIGXFSZ, SIG_IGN);
        REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
        const rlimit none{0, before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &none) == 0);
    }
    ~NoRoom()
    {
        (void)::setrlimit(RLIMIT_FSIZE, &before_);
        (void)std::signal(SIGXFSZ, SIG_DFL);
    }
    NoRoom(const NoRoom&) = delete;
    NoRoom& operator=(const NoRoom&) = delete;

private:
    rlimit before_{};
};

}  // namespace

TEST_CASE("a socket that was taken can be connected to, by its user alone")
{
    const TempDirectory directory;
    const std::string path = directory / "s";
    const SocketPlace place = taken(path);
    CHECK(place.path() == path);
    CHECK(S_ISSOCK(mode_of(path)));
    CHECK((mode_of(path) & 0777U) == 0600U);
    CHECK(connects(path));
}

TEST_CASE("the socket's directory is made, for the user alone")
{
    const TempDirectory directory;
    const SocketPlace place = taken(directory / "run/s");
    CHECK((mode_of(directory / "run") & 0777U) == 0700U);
}

TEST_CASE("a directory that others may write to is refused")
{
    const TempDirectory directory;
    REQUIRE(::chmod(directory.path().c_str(), 0770) == 0);
    const Error error = refused(directory / "s");
    CHECK(error.code == Errc::not_allowed);
    CHECK(error.what.find("may be written by others") != std::string::npos);
}

TEST_CASE("a link to a directory is none")
{
    const TempDirectory directory;
    std::filesystem::create_directory(directory / "real");
    std::filesystem::create_directory_symlink(directory / "real", directory / "link");
    CHECK(refused(directory / "link/s").code == Errc::not_allowed);
}

TEST_CASE("a second daemon is told who is there, and changes nothing")
{
    const TempDirectory directory;
    const SocketPlace place = taken(directory / "s");
    const Error error = refused(directory / "s");
    CHECK(error.code == Errc::in_use);
    CHECK(error.what == "another jobmilld (pid " + std::to_string(::getpid()) +
                            ") is running here: it holds " + (directory / "s.lock"));
    CHECK(connects(directory / "s"));
    CHECK(directory.read("s.lock") == std::to_string(::getpid()) + "\n");
}

TEST_CASE("a socket that a dead daemon left behind is replaced")
{
    const TempDirectory directory;
    const std::string path = directory / "s";
    {
        const UniqueFd stale{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
        REQUIRE(::bind(stale.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
                0);
    }
    directory.write("s.lock", "123456789\n");
    CHECK_FALSE(connects(path));
    const SocketPlace place = taken(path);
    CHECK(connects(path));
    CHECK(directory.read("s.lock") == std::to_string(::getpid()) + "\n");
}

TEST_CASE("a place is held on a full disk too, by one who cannot say who he is")
{
    const TempDirectory directory;
    std::optional<SocketPlace> place;
    {
        const NoRoom full;
        place.emplace(taken(directory / "s"));
    }
    CHECK(connects(directory / "s"));
    CHECK(refused(directory / "s").what ==
          "another jobmilld is running here: it holds " + (directory / "s.lock"));
}

TEST_CASE("a file that is no socket is not removed")
{
    const TempDirectory directory;
    const std::string path = directory.write("precious", "data");
    const Error error = refused(path);
    CHECK(error.code == Errc::not_allowed);
    CHECK(error.what == path + " is there and is no socket");
    CHECK(directory.read("precious") == "data");
}

TEST_CASE("a lock that is a link is not followed")
{
    const TempDirectory directory;
    const std::string precious = directory.write("precious", "data");
    std::filesystem::create_symlink(precious, directory / "s.lock");
    (void)refused(directory / "s");
    CHECK(directory.read("precious") == "data");
}

TEST_CASE("a path that the system would cut is refused")
{
    const TempDirectory directory;
    const std::string longest =
        directory / std::string(longest_socket_path - directory.path().size() - 1, 's');
    CHECK(longest.size() == 107);
    CHECK(connects(taken(longest).path()));
    const Error error = refused(longest + "s");
    CHECK(error.code == Errc::invalid);
    CHECK(error.what.starts_with("socket path of 108 bytes; the limit is 107: "));
}

TEST_CASE("a relative path is refused")
{
    CHECK(refused("run/s").code == Errc::invalid);
    CHECK(refused("").code == Errc::invalid);
}

TEST_CASE("a closed place takes nobody in, but is still held")
{
    const TempDirectory directory;
    SocketPlace place = taken(directory / "s");
    place.close();
    place.close();
    CHECK_FALSE(std::filesystem::exists(directory / "s"));
    CHECK(refused(directory / "s").code == Errc::in_use);
}

TEST_CASE("a place that is given up can be taken again")
{
    const TempDirectory directory;
    {
        const SocketPlace place = taken(directory / "s");
    }
    CHECK_FALSE(std::filesystem::exists(directory / "s"));
    CHECK(connects(taken(directory / "s").path()));
}

TEST_CASE("a place that was removed leaves its successor's socket alone")
{
    const TempDirectory directory;
    std::optional<SocketPlace> first = taken(directory / "run/s");
    std::filesystem::remove_all(directory / "run");
    const SocketPlace second = taken(directory / "run/s");
    SUBCASE("when it closes")
    {
        first->close();
    }
    SUBCASE("when it is given up")
    {
        first.reset();
    }
    CHECK(connects(directory / "run/s"));
}

TEST_CASE("without the lock that is at its path a daemon removes nothing, not even its own")
{
    const TempDirectory directory;
    std::optional<SocketPlace> first = taken(directory / "s");
    std::filesystem::remove(directory / "s.lock");
    first.reset();
    CHECK(std::filesystem::exists(directory / "s"));
}

TEST_CASE("a socket that somebody else has put there is left alone")
{
    const TempDirectory directory;
    std::optional<SocketPlace> first = taken(directory / "s");
    std::filesystem::remove(directory / "s");
    const UniqueFd other = listening(directory / "s");
    first.reset();
    CHECK(connects(directory / "s"));
}

TEST_CASE("a place whose socket was removed or replaced is not reachable until it is bound again")
{
    const TempDirectory directory;
    const std::string path = directory / "s";
    SocketPlace place = taken(path);
    CHECK(place.is_reachable());
    std::filesystem::remove(path);
    CHECK_FALSE(place.is_reachable());
    SUBCASE("when it was removed") {}
    SUBCASE("when it was replaced")
    {
        (void)listening(path);
    }
    CHECK_FALSE(place.is_reachable());
    REQUIRE(place.bind_again().has_value());
    CHECK(place.is_reachable());
    CHECK(connects(path));
    CHECK((mode_of(path) & 0777U) == 0600U);
    place.close();
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK(place.is_reachable());  // nobody is to reach it now
}

TEST_CASE("a socket that is bound again is its group's as before")
{
    const TempDirectory directory;
    auto place = SocketPlace::take(directory / "run/s", ::getegid());
    REQUIRE(place.has_value());
    std::filesystem::remove(directory / "run/s");
    REQUIRE(place->bind_again().has_value());
    CHECK((mode_of(directory / "run/s") & 0777U) == 0660U);
}

TEST_CASE("nothing is bound again without the lock that is at its path")
{
    const TempDirectory directory;
    SocketPlace place = taken(directory / "run/s");
    std::filesystem::remove_all(directory / "run");
    std::optional<SocketPlace> second;
    SUBCASE("when the directory is gone") {}
    SUBCASE("when another daemon has it")
    {
        second.emplace(taken(directory / "run/s"));
    }
    const auto bound = place.bind_again();
    REQUIRE_FALSE(bound.has_value());
    CHECK(bound.error().code == Errc::in_use);
    CHECK(connects(directory / "run/s") == second.has_value());
}

TEST_CASE("a file that is no socket is not removed to bind again")
{
    const TempDirectory directory;
    SocketPlace place = taken(directory / "s");
    std::filesystem::remove(directory / "s");
    directory.write("s", "data");
    const auto bound = place.bind_again();
    REQUIRE_FALSE(bound.has_value());
    CHECK(bound.error().code == Errc::not_allowed);
    CHECK(directory.read("s") == "data");
}

TEST_CASE("a place that was moved is given up once")
{
    const TempDirectory directory;
    SocketPlace first = taken(directory / "s");
    {
        const SocketPlace second = std::move(first);
        CHECK(connects(directory / "s"));
    }
    const SocketPlace next = taken(directory / "s");
    first.close();  // NOLINT(bugprone-use-after-move): it has nothing left to give up
    CHECK(connects(directory / "s"));
}

TEST_CASE("a group gets the socket and may enter a directory that was made for it")
{
    const TempDirectory directory;
    const auto place = SocketPlace::take(directory / "run/s", ::getegid());
    REQUIRE(place.has_value());
    CHECK((mode_of(directory / "run") & 0777U) == 0750U);
    CHECK((mode_of(directory / "run/s") & 0777U) == 0660U);
    CHECK((mode_of(directory / "run/s.lock") & 0777U) == 0600U);
}

TEST_CASE("a group may enter the directory that a client has made for the daemon")
{
    const TempDirectory directory;
    for (const std::string& name :
         {std::string{"jobmill"}, "jobmill-" + std::to_string(::geteuid())}) {
        const std::string path = directory / name;
        REQUIRE(::mkdir(path.c_str(), 0700) == 0);
        REQUIRE(SocketPlace::take(path + "/s", ::getegid()).has_value());
        CHECK((mode_of(path) & 0777U) == 0750U);
    }
}

TEST_CASE("a directory that is there for something else is not opened to a group")
{
    const TempDirectory directory;
    for (const char* const name : {"home", "jobmill-sources"}) {
        const std::string home = directory / name;
        REQUIRE(::mkdir(home.c_str(), 0700) == 0);
        REQUIRE(SocketPlace::take(home + "/jobmill.sock", ::getegid()).has_value());
        CHECK((mode_of(home) & 0777U) == 0700U);
    }
}

TEST_CASE("a directory that a group may enter already stays as it is")
{
    const TempDirectory directory;
    const std::string path = directory / "jobmill";
    for (const mode_t mode : {0710U, 0755U}) {
        REQUIRE((::mkdir(path.c_str(), mode) == 0 || errno == EEXIST));
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        REQUIRE(SocketPlace::take(path + "/s", ::getegid()).has_value());
        CHECK((mode_of(path) & 0777U) == mode);
    }
}

TEST_CASE("without a group no directory is opened")
{
    const TempDirectory directory;
    const std::string path = directory / "jobmill";
    REQUIRE(::mkdir(path.c_str(), 0700) == 0);
    (void)taken(path + "/s");
    CHECK((mode_of(path) & 0777U) == 0700U);
}

TEST_CASE("a socket that the service manager has bound is served where it is and stays as it is")
{
    const TempDirectory directory;
    const std::string path = directory / "s";
    const UniqueFd managers = listening(path);
    const mode_t mode = mode_of(path);
    {
        auto place = SocketPlace::adopt(passing(UniqueFd{::dup(managers.get())}));
        REQUIRE_MESSAGE(place.has_value(), place.error().what);
        CHECK(place->path() == path);
        CHECK(refused(path).code == Errc::in_use);
        place->close();
        CHECK(connects(path));
    }
    CHECK(mode_of(path) == mode);
    CHECK(connects(path));
}

TEST_CASE("what becomes of a socket that the service manager has bound is its own affair")
{
    const TempDirectory directory;
    const std::string path = directory / "s";
    const auto place = SocketPlace::adopt(passing(listening(path)));
    REQUIRE(place.has_value());
    std::filesystem::remove(path);
    CHECK(place->is_reachable());
}

TEST_CASE("the lock is taken for a passed socket as well")
{
    const TempDirectory directory;
    const UniqueFd managers = listening(directory / "s");
    const auto first = SocketPlace::adopt(passing(UniqueFd{::dup(managers.get())}));
    REQUIRE(first.has_value());
    const auto second = SocketPlace::adopt(passing(UniqueFd{::dup(managers.get())}));
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().code == Errc::in_use);
}

TEST_CASE("what cannot be served is refused by what it is")
{
    const TempDirectory directory;
    std::vector<UniqueFd> two = passing(listening(directory / "a"));
    two.push_back(listening(directory / "b"));
    CHECK(not_adopted(std::move(two)).find("passed 2 sockets") != std::string::npos);
    CHECK(not_adopted(passing(bound(directory / "c"))).find("does not listen") !=
          std::string::npos);
    CHECK(not_adopted(passing(bound(directory / "d", SOCK_DGRAM))).find("no stream") !=
          std::string::npos);
    CHECK(not_adopted(passing(UniqueFd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}))
              .find("address family 2") != std::string::npos);
    CHECK(not_adopted(passing(UniqueFd{::open("/dev/null", O_RDONLY | O_CLOEXEC)}))
              .find("no socket") != std::string::npos);
    const std::string abstract =
        std::string(1, '\0') + "jobmill-test-" + std::to_string(::getpid());
    CHECK(not_adopted(passing(listening(abstract))).find("without a path") != std::string::npos);
}
