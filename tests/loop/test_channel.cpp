// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "common/blob.hpp"
#include "daemon/channel.hpp"
#include "tests/loop/loop_fixture.hpp"

using namespace jobmill;
using namespace jobmill::tests;
using daemon::Channel;

namespace {

constexpr std::size_t large = 300'000;

/// A channel and its peer, which reads when it is told to.
struct Connected : LoopFixture {
    Connected()
    {
        SocketPair pair = nonblocking_pair();
        peer = std::move(pair.theirs);
        auto made = Channel::create(loop, flush_list, std::move(pair.ours));
        REQUIRE(made.has_value());
        channel = std::move(*made);
        channel->start({.on_bytes =
                            [this](ByteView bytes) {
                                append(heard, bytes);
                                if (on_heard) {
                                    on_heard();
                                }
                            },
                        .on_end = [this] { ++ends; },
                        .on_broken = [this](const Error&) { ++breaks; },
                        .on_drained = [this] { ++drains; }});
    }
    /// Makes every send a partial one.
    void narrow() const
    {
        const int size = 1;
        REQUIRE(::setsockopt(channel->socket(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0);
    }
    void say(std::string_view text) const
    {
        REQUIRE(send_all(peer.get(), bytes_of(text)).has_value());
    }
    /// What the peer reads now, and its descriptors.
    std::size_t listen(std::size_t most = 1 << 20U)
    {
        Bytes buffer(most);
        const auto received = receive_some(peer.get(), buffer, peer_fds);
        REQUIRE(received.has_value());
        peer_ended = peer_ended || received->end;
        append(peer_heard, ByteView{buffer}.first(received->size));
        return received->size;
    }
    bool heard_by_peer(std::size_t size)
    {
        return run_until([&] {
            (void)listen();
            return peer_heard.size() >= size;
        });
    }

    UniqueFd peer;
    std::unique_ptr<Channel> channel;
    Bytes heard;
    std::function<void()> on_heard;
    Bytes peer_heard;
    std::deque<UniqueFd> peer_fds;
    bool peer_ended = false;
    int ends = 0;
    int breaks = 0;
    int drains = 0;
};

Bytes counted(std::size_t size)
{
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<std::byte>(i * 7 / 5);
    }
    return bytes;
}

std::uint64_t size_of(const UniqueFd& fd)
{
    struct stat status {};
    REQUIRE(::fstat(fd.get(), &status) == 0);
    return static_cast<std::uint64_t>(status.st_size);
}

std::vector<UniqueFd> blobs(std::initializer_list<std::uint64_t> sizes)
{
    std::vector<UniqueFd> list;
    for (const std::uint64_t size : sizes) {
        list.push_back(std::move(*make_blob(size)));
    }
    return list;
}

}  // namespace

TEST_CASE_FIXTURE(Connected, "what is written goes out at the end of the turn")
{
    append(channel->out(), bytes_of("hello "));
    append(channel->out(), bytes_of("peer"));
    CHECK(listen() == 0);
    CHECK(channel->unsent() == 10);
    settle();
    CHECK(listen() == 10);
    CHECK(channel->unsent() == 0);
    CHECK(drains == 1);
}

TEST_CASE_FIXTURE(Connected,
                  "what cannot be sent for now is sent later, and nobody spins meanwhile")
{
    UniqueFd blob = std::move(*make_blob(7));
    const int number = blob.get();
    const UniqueFd kept{::fcntl(number, F_DUPFD_CLOEXEC, number + 1)};
    std::vector<UniqueFd> fds;
    fds.push_back(std::move(blob));
    (void)::close(number);  // sending fails
    append(channel->out(), bytes_of("hello"));
    channel->attach(0, std::move(fds));
    int turns = 0;
    (void)run_until([&] { return ++turns < 0; }, 200ms);
    CHECK(turns <= 40);
    CHECK(breaks == 0);
    CHECK(channel->unsent() == 5);
    REQUIRE(::dup2(kept.get(), number) == number);
    CHECK(heard_by_peer(5));
    REQUIRE(peer_fds.size() == 1);
    CHECK(size_of(peer_fds[0]) == 7);
}

TEST_CASE_FIXTURE(Connected, "a full socket splits what is written, and loses nothing")
{
    narrow();
    const Bytes bytes = counted(large);
    append(channel->out(), bytes);
    settle();
    CHECK(channel->unsent() > 0);
    CHECK(heard_by_peer(large));
    CHECK((peer_heard == bytes));
    CHECK(channel->unsent() == 0);
    CHECK(drains > 0);
}

TEST_CASE_FIXTURE(Connected, "what is added while a part is unsent follows it")
{
    narrow();
    Bytes expected;
    for (std::size_t i = 0; i < 20; ++i) {
        const Bytes part = counted(10'000 + i);
        append(channel->out(), part);
        append(expected, part);
        settle();
        (void)listen(20'000);
    }
    CHECK(heard_by_peer(expected.size()));
    CHECK((peer_heard == expected));
}

TEST_CASE_FIXTURE(Connected, "a full socket does not keep the loop busy")
{
    narrow();
    append(channel->out(), counted(large));
    settle();
    int turns = 0;
    bool over = false;
    auto timer = loop::Timer::create(loop, [&] { over = true; });
    timer->start_once(30ms);
    while (!over) {
        turn(UV_RUN_ONCE);
        ++turns;
    }
    CHECK(turns < 5);
}

TEST_CASE_FIXTURE(Connected, "descriptors arrive with the first byte of their own frame")
{
    narrow();
    std::size_t size = 0;
    const auto frame = [&](std::size_t bytes, std::vector<UniqueFd> fds) {
        Bytes& out = channel->out();
        const std::size_t start = out.size();
        append(out, counted(bytes));
        size += bytes;
        if (!fds.empty()) {
            channel->attach(start, std::move(fds));
        }
    };
    frame(50'000, {});
    frame(1, blobs({1, 2}));
    frame(70'000, blobs({3}));
    frame(10, {});
    frame(300'000, blobs({4}));
    const std::size_t starts[] = {50'000, 50'000, 50'001, 120'011};
    for (int turns = 0; peer_heard.size() < size && turns < 1000; ++turns) {
        turn(UV_RUN_NOWAIT);
        const std::size_t before = peer_fds.size();
        (void)listen(7'001);
        for (std::size_t i = before; i < peer_fds.size(); ++i) {
            // The kernel ends a read before the next descriptors: they came with this one.
            CHECK(peer_heard.size() > starts[i]);
            CHECK(peer_heard.size() <= starts[i] + 7'001);
        }
    }
    CHECK(peer_heard.size() == size);
    REQUIRE(peer_fds.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(size_of(peer_fds[i]) == i + 1);
    }
}

TEST_CASE_FIXTURE(Connected, "received descriptors are kept in order beside the bytes")
{
    const auto sent = blobs({5, 6});
    const int fds[] = {sent[0].get(), sent[1].get()};
    REQUIRE(send_all(peer.get(), bytes_of("x"), fds).has_value());
    CHECK(run_until([&] { return !heard.empty(); }));
    REQUIRE(channel->received_fds().size() == 2);
    CHECK(size_of(channel->received_fds()[0]) == 5);
    CHECK(size_of(channel->received_fds()[1]) == 6);
    CHECK(channel->received() == 1);
}

TEST_CASE_FIXTURE(Connected, "who pauses hears nothing until it goes on")
{
    channel->pause_reading();
    say("later");
    settle();
    CHECK(heard.empty());
    channel->resume_reading();
    CHECK(run_until([&] { return heard.size() == 5; }));
}

TEST_CASE_FIXTURE(Connected, "who pauses while it hears hears no more")
{
    on_heard = [&] { channel->pause_reading(); };
    say("first");
    CHECK(run_until([&] { return heard.size() == 5; }));
    say("second");
    settle();
    CHECK(heard.size() == 5);
}

TEST_CASE_FIXTURE(Connected, "the peer's end of input is no hang-up: it still reads")
{
    say("last words");
    REQUIRE(::shutdown(peer.get(), SHUT_WR) == 0);
    CHECK(run_until([&] { return ends == 1; }));
    CHECK(heard.size() == 10);
    append(channel->out(), bytes_of("answer"));
    settle();
    CHECK(listen() == 6);
    CHECK(breaks == 0);
    CHECK(ends == 1);
}

TEST_CASE_FIXTURE(Connected, "a peer that closes is gone, once")
{
    say("last words");
    peer.reset();
    CHECK(run_until([&] { return breaks > 0; }));
    CHECK(heard.size() == 10);
    append(channel->out(), bytes_of("to nobody"));
    run_for(10ms);
    CHECK(breaks == 1);
    CHECK(ends == 0);
}

TEST_CASE_FIXTURE(Connected, "a peer that ends its input and closes later is gone then")
{
    REQUIRE(::shutdown(peer.get(), SHUT_WR) == 0);
    CHECK(run_until([&] { return ends == 1; }));
    run_for(5ms);
    CHECK(breaks == 0);
    peer.reset();
    CHECK(run_until([&] { return breaks == 1; }));
}

TEST_CASE_FIXTURE(Connected, "a peer that closes is noticed while nobody reads, or can send")
{
    narrow();
    channel->pause_reading();
    append(channel->out(), counted(large));
    say("unread");
    settle();
    peer.reset();
    CHECK(run_until([&] { return breaks > 0; }));
    run_for(10ms);
    CHECK(breaks == 1);
}

TEST_CASE_FIXTURE(Connected, "a failed send is told from the loop, not to the caller")
{
    peer.reset();
    append(channel->out(), bytes_of("to nobody"));
    flush_list.flush();
    CHECK(breaks == 0);
    CHECK(run_until([&] { return breaks == 1; }));
}

TEST_CASE_FIXTURE(Connected, "after our end of output the peer reads what was sent, then the end")
{
    append(channel->out(), bytes_of("bye"));
    channel->flush();
    channel->end_output();
    CHECK(listen() == 3);
    (void)listen();
    CHECK(peer_ended);
    say("still heard");
    CHECK(run_until([&] { return heard.size() == 11; }));
    CHECK(breaks == 0);
}

TEST_CASE_FIXTURE(Connected, "the rest can be read when the peer is gone, even by who pauses")
{
    channel->pause_reading();
    say(std::string(100'000, 'x'));
    peer.reset();
    channel->read_rest();
    CHECK(heard.size() == 100'000);
    CHECK(channel->received() == 100'000);
    channel->read_rest();
    CHECK(heard.size() == 100'000);
}

TEST_CASE_FIXTURE(Connected, "reading the rest of a living peer stops where nothing is left")
{
    say("so far");
    channel->read_rest();
    CHECK(heard.size() == 6);
    say(" so good");
    CHECK(run_until([&] { return heard.size() == 14; }));
}

TEST_CASE_FIXTURE(Connected, "the rest is what has arrived, though somebody goes on writing")
{
    int looks = 0;
    on_heard = [&] {
        if (++looks < 1000) {
            say("more");
        }
    };
    say("the rest");
    channel->read_rest();
    CHECK(looks == 1);
    CHECK(text_of(heard) == "the rest");
}

TEST_CASE_FIXTURE(Connected, "a channel that goes takes its unsent bytes with it")
{
    narrow();
    append(channel->out(), counted(large));
    settle();
    append(channel->out(), bytes_of("more"));
    channel.reset();
    CHECK(flush_list.empty());
    settle();
}

TEST_CASE_FIXTURE(LoopFixture, "one pass over those that have something to send is one pass")
{
    SocketPair pair = nonblocking_pair();
    auto channel = std::move(*Channel::create(loop, flush_list, std::move(pair.ours)));
    int drains = 0;
    channel->start({.on_bytes = [](ByteView) {},
                    .on_end = {},
                    .on_broken = {},
                    .on_drained =
                        [&] {
                            ++drains;
                            append(channel->out(), bytes_of("x"));
                        }});
    append(channel->out(), bytes_of("x"));
    flush_list.flush();
    CHECK(drains == 1);
    CHECK_FALSE(flush_list.empty());
    flush_list.flush();
    CHECK(drains == 2);
}

TEST_CASE_FIXTURE(LoopFixture, "a channel may go while others are flushed")
{
    SocketPair pairs[2] = {nonblocking_pair(), nonblocking_pair()};
    std::unique_ptr<Channel> channels[2];
    int drains = 0;
    for (std::size_t i = 0; i < 2; ++i) {
        channels[i] = std::move(*Channel::create(loop, flush_list, std::move(pairs[i].ours)));
        channels[i]->start({.on_bytes = [](ByteView) {},
                            .on_end = {},
                            .on_broken = {},
                            .on_drained =
                                [&, other = 1 - i] {
                                    ++drains;
                                    channels[other].reset();
                                }});
        append(channels[i]->out(), bytes_of("x"));
    }
    flush_list.flush();
    CHECK(drains == 1);
    CHECK(flush_list.empty());
}
