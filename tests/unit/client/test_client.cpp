// SPDX-License-Identifier: MIT
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <thread>

#include <doctest/doctest.h>

#include "common/fd_io.hpp"
#include "scripted_daemon.hpp"

using namespace jobmill;
using namespace jobmill::tests;

namespace {

/// A client whose peer has already said its welcome.
struct Peers {
    Peers() : pair(*make_socket_pair())
    {
        REQUIRE(send_all(pair.theirs.get(), said(Welcome{.server = "jobmilld t"})));
        auto adopted = Client::adopt(pair.ours.release(), {.name = "test"});
        REQUIRE(adopted);
        client = std::make_unique<Client>(std::move(*adopted));
    }

    template <typename Message>
    void say(const Message& message)
    {
        REQUIRE(send_all(pair.theirs.get(), said(message)));
    }

    SocketPair pair;
    std::unique_ptr<Client> client;
};

}  // namespace

TEST_CASE("a path that cannot be bound is refused before it is cut")
{
    const auto client = Client::connect("/" + std::string(200, 'x'));
    REQUIRE_FALSE(client);
    CHECK(client.error().what.find("107") != std::string::npos);
}

TEST_CASE("without a daemon the error names the path and says what to do")
{
    const auto client = Client::connect("/nonexistent/jobmill.sock");
    REQUIRE_FALSE(client);
    CHECK(client.error().code == Errc::not_found);
    CHECK(client.error().what.find("/nonexistent/jobmill.sock") != std::string::npos);
    CHECK(client.error().what.find("jobmill -s /nonexistent/jobmill.sock daemon start") !=
          std::string::npos);
}

TEST_CASE("a peer that closes without a welcome is an error")
{
    auto pair = *make_socket_pair();
    pair.theirs.reset();
    CHECK(Client::adopt(pair.ours.release(), {.name = "test"}).error().code == Errc::closed);
}

TEST_CASE("a daemon that leaves before its welcome is followed by the next one")
{
    std::string directory = "/tmp/jobmill-test-XXXXXX";
    REQUIRE(::mkdtemp(directory.data()) != nullptr);
    const std::string path = directory + "/s";
    const UniqueFd listening{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    REQUIRE(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
            0);
    REQUIRE(::listen(listening.get(), 4) == 0);
    UniqueFd served;
    std::thread daemons{[&] {
        for (int silent = 0; silent < 2; ++silent) {
            const UniqueFd socket{::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC)};
        }
        served.reset(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
        (void)send_all(served.get(), said(Welcome{.server = "jobmilld t"}));
    }};
    const auto client = Client::connect(path, {.name = "test"});
    daemons.join();
    (void)::unlink(path.c_str());
    (void)::rmdir(directory.c_str());
    CHECK_MESSAGE(client.has_value(), client.error().what);
}

TEST_CASE("run answers the result and what was streamed before it")
{
    Peers peers;
    peers.say(Accepted{.first = Tag{1}, .job = JobId{8}});
    peers.say(Chunk{Tag{1}, JobId{8}, 2, Stream::out, false, bytes_of("hi")});
    JobResult result;
    result.tag = Tag{1};
    result.job = JobId{8};
    result.size = 4;
    result.payload = bytes_of("5050");
    // The answers lie ready before the question is sent; the client reads them only after it.
    auto tag = peers.client->submit({.handler = "sum", .payload = bytes_of("100")});
    REQUIRE(tag);
    peers.say(result);
    const auto last = peers.client->answer(*tag);
    REQUIRE(last);
    CHECK(text_of(std::get<event::JobResult>(*last).payload) == "5050");
    CHECK(std::holds_alternative<event::Accepted>(*peers.client->poll_event()));
    CHECK(std::holds_alternative<event::Chunk>(*peers.client->poll_event()));
}

TEST_CASE("a job is unfinished until its last event is taken")
{
    Peers peers;
    const Tag tag = *peers.client->submit({.handler = "sum"});
    peers.say(Accepted{.first = tag, .job = JobId{8}});
    peers.say(JobResult{.tag = tag, .job = JobId{8}, .cause = {}, .payload = {}});
    std::size_t events = 0;
    while (peers.client->unfinished() > 0) {
        REQUIRE(peers.client->next());
        ++events;
    }
    CHECK(events == 2);
}

TEST_CASE("next answers none when the time is over")
{
    Peers peers;
    const auto event = peers.client->next(std::chrono::milliseconds{1});
    REQUIRE(event);
    CHECK_FALSE(*event);
}

TEST_CASE("a refused request comes back from answer as an error")
{
    Peers peers;
    const auto tag = peers.client->cancel_job(JobId{5});
    peers.say(ErrorMessage{*tag,
                           {.code = "not_found",
                            .text = "no such live job",
                            .field = "",
                            .limit = {},
                            .offset = {},
                            .retry_after_ms = {}}});
    const auto answer = peers.client->answer(*tag);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == Errc::not_found);
    CHECK(answer.error().what == "no such live job");
}

TEST_CASE("a daemon that goes away says how many jobs it leaves")
{
    Peers peers;
    REQUIRE(peers.client->submit({.handler = "a"}));
    peers.pair.theirs.reset();
    const auto event = peers.client->next();
    REQUIRE_FALSE(event);
    CHECK(event.error().code == Errc::closed);
    CHECK(event.error().what.find("1 job unfinished") != std::string::npos);
}

TEST_CASE("no input is wanted while events wait to be taken")
{
    Peers peers;
    peers.say(Closing{.grace_ms = 1});
    REQUIRE(peers.client->on_ready());
    CHECK((peers.client->wanted_events() & POLLIN) == 0);
    CHECK(peers.client->poll_event());
    CHECK((peers.client->wanted_events() & POLLIN) != 0);
}

TEST_CASE("a payload larger than the socket's buffer arrives whole")
{
    Peers peers;
    const Bytes payload = filled(std::size_t{3} << 20U, 'q');
    REQUIRE(peers.client->submit({.handler = "echo", .payload = payload}));
    std::uint64_t received = 0;
    bool last = false;
    std::thread daemon{[&] {
        FrameSplitter splitter{Link::client, Direction::to_daemon};
        std::vector<std::byte> buffer(100'000);
        std::size_t skip = preamble.size();
        while (!last) {
            const auto size = ::recv(peers.pair.theirs.get(), buffer.data(), buffer.size(), 0);
            if (size <= 0) {
                return;
            }
            splitter.feed(ByteView{buffer}.first(static_cast<std::size_t>(size)).subspan(skip));
            skip = 0;
            while (const auto frame = splitter.next().value_or(std::nullopt)) {
                received += frame->payload.size();
                last = frame->header.type == MessageType::piece && !frame->header.more;
            }
        }
    }};
    const auto flushed = peers.client->flush();
    daemon.join();
    CHECK(flushed);
    CHECK(last);
    CHECK(received == payload.size());
}
