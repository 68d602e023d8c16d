// SPDX-License-Identifier: MIT
// A socket that somebody carries on, as ssh -L does: bytes pass, descriptors do not.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "common/fd_io.hpp"
#include "jobmill/client.hpp"
#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

sockaddr_un address_of(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    return address;
}

/// Carries one session, by a path of its own, until either side ends.
class Relay {
public:
    explicit Relay(const std::string& daemon) : path_(daemon + ".far"), listener_(new_socket())
    {
        const sockaddr_un here = address_of(path_);
        REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&here), sizeof here) ==
                0);
        REQUIRE(::listen(listener_.get(), 1) == 0);
        const sockaddr_un there = address_of(daemon);
        REQUIRE(::connect(daemon_.get(), reinterpret_cast<const sockaddr*>(&there), sizeof there) ==
                0);
        carrier_ = std::thread{[this] { carry(); }};
    }
    ~Relay()
    {
        (void)::shutdown(listener_.get(), SHUT_RDWR);
        (void)::shutdown(daemon_.get(), SHUT_RDWR);
        carrier_.join();
        (void)::unlink(path_.c_str());
    }
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

private:
    static UniqueFd new_socket()
    {
        return UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    }

    static bool pass(int from, int to)
    {
        Bytes bytes(65'536);
        const ssize_t size = ::read(from, bytes.data(), bytes.size());
        return size > 0 &&
               send_all(to, ByteView{bytes}.first(static_cast<std::size_t>(size))).has_value();
    }

    void carry() const
    {
        const UniqueFd client{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
        std::array<pollfd, 2> ends{{{client.get(), POLLIN, 0}, {daemon_.get(), POLLIN, 0}}};
        bool open = static_cast<bool>(client);
        while (open && ::poll(ends.data(), ends.size(), -1) > 0) {
            open = (ends[0].revents == 0 || pass(client.get(), daemon_.get())) &&
                   (ends[1].revents == 0 || pass(daemon_.get(), client.get()));
        }
    }

    std::string path_;
    UniqueFd listener_;
    UniqueFd daemon_ = new_socket();
    std::thread carrier_;
};

}  // namespace

TEST_CASE("over a relay everything large goes in pieces, and all of it arrives")
{
    const Daemon daemon{pool_config(1)};
    const Relay relay{daemon.socket()};
    auto client = Client::connect(relay.path(), {.result_blobs = true});
    REQUIRE_MESSAGE(client, client.error().what);
    const Bytes payload(300'000, std::byte{'p'});
    const auto echoed = client->run({.handler = "echo", .payload = payload});
    REQUIRE_MESSAGE(echoed, echoed.error().what);
    CHECK(echoed->result.payload == payload);
    auto lent = client->lend(payload.size());
    REQUIRE(lent);
    std::copy(payload.begin(), payload.end(), lent->bytes().begin());
    const auto tag = client->submit({.handler = "echo"}, std::move(*lent));
    REQUIRE(tag);
    const auto answer = client->answer(*tag);
    REQUIRE_MESSAGE(answer, answer.error().what);
    CHECK(std::get<event::JobResult>(*answer).payload == payload);
    const auto stored = client->put(payload);
    REQUIRE(stored);
    REQUIRE(client->answer(*stored));
    const auto named = client->run({.handler = "echo", .blob = *stored});
    REQUIRE_MESSAGE(named, named.error().what);
    CHECK(named->result.payload == payload);
}

TEST_CASE("descriptors are used as one says, whoever is at the other end")
{
    const Daemon daemon{pool_config(1)};
    using Descriptors = Client::Descriptors;
    for (const auto& [descriptors, blobs] :
         {std::pair{Descriptors::automatic, true}, std::pair{Descriptors::always, true},
          std::pair{Descriptors::never, false}}) {
        auto client =
            Client::connect(daemon.socket(), {.result_blobs = true, .descriptors = descriptors});
        REQUIRE(client);
        const auto run = client->run({.handler = "big", .payload = bytes_of("100000")});
        REQUIRE(run);
        CHECK(bool{run->result.blob} == blobs);
        CHECK(run->result.size == 100'000);
    }
}

}  // namespace jobmill::tests
