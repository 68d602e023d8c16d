// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <deque>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "common/blob.hpp"
#include "common/codec.hpp"
#include "common/fd_io.hpp"

using namespace jobmill;

namespace {

SocketPair connected()
{
    auto pair = make_socket_pair();
    REQUIRE(pair.has_value());
    REQUIRE(set_nonblocking(pair->ours.get()).has_value());
    REQUIRE(set_nonblocking(pair->theirs.get()).has_value());
    return std::move(*pair);
}

/// A descriptor that can be told apart: its size is its name.
UniqueFd numbered(std::uint64_t number)
{
    auto blob = make_blob(number);
    REQUIRE(blob.has_value());
    return std::move(*blob);
}

std::uint64_t number_of(const UniqueFd& fd)
{
    struct stat status {};
    REQUIRE(::fstat(fd.get(), &status) == 0);
    return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace

TEST_CASE("what is sent is received, and a full socket takes no more")
{
    const SocketPair pair = connected();
    const Bytes block(100'000, std::byte{7});
    std::size_t sent = 0;
    for (auto now = send_some(pair.ours.get(), block); *now > 0;
         now = send_some(pair.ours.get(), block)) {
        sent += *now;
    }
    CHECK(sent > 0);
    std::deque<UniqueFd> fds;
    Bytes to(65'536);
    std::size_t received = 0;
    while (true) {
        const auto now = receive_some(pair.theirs.get(), to, fds);
        REQUIRE(now.has_value());
        if (now->would_block) {
            break;
        }
        received += now->size;
    }
    CHECK(received == sent);
}

TEST_CASE("a peer that closed its end is the end of input, and an error to write to")
{
    SocketPair pair = connected();
    pair.ours.reset();
    std::deque<UniqueFd> fds;
    std::array<std::byte, 16> to{};
    const auto received = receive_some(pair.theirs.get(), to, fds);
    REQUIRE(received.has_value());
    CHECK(received->end);
    const auto sent = send_some(pair.theirs.get(), to);
    REQUIRE_FALSE(sent.has_value());
    CHECK(sent.error().code == Errc::closed);
}

TEST_CASE("a descriptor that arrives is not inherited by programs that are started")
{
    const SocketPair pair = connected();
    const UniqueFd blob = numbered(3);
    const std::array fds{blob.get()};
    REQUIRE(send_all(pair.ours.get(), bytes_of("x"), fds).has_value());
    std::deque<UniqueFd> received;
    std::array<std::byte, 16> to{};
    REQUIRE(receive_some(pair.theirs.get(), to, received).has_value());
    REQUIRE(received.size() == 1);
    CHECK((::fcntl(received.front().get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(number_of(received.front()) == 3);
}

TEST_CASE("as many descriptors as a frame may carry arrive in order")
{
    const SocketPair pair = connected();
    std::vector<UniqueFd> blobs;
    std::vector<int> fds;
    for (std::uint64_t i = 0; i < limits::frame_descriptors; ++i) {
        fds.push_back(blobs.emplace_back(numbered(i)).get());
    }
    REQUIRE(send_all(pair.ours.get(), bytes_of("x"), fds).has_value());
    std::deque<UniqueFd> received;
    std::array<std::byte, 16> to{};
    REQUIRE(receive_some(pair.theirs.get(), to, received).has_value());
    REQUIRE(received.size() == limits::frame_descriptors);
    for (std::uint64_t i = 0; i < received.size(); ++i) {
        CHECK(number_of(received[i]) == i);
    }
}

namespace {

/// Sends numbered frames, some with a blob of as many bytes as their number, as far as the socket
/// takes them: the rest of a frame goes without its descriptor.
class Sender {
public:
    Sender(int socket, std::uint64_t frames) : socket_(socket), frames_(frames) {}

    [[nodiscard]] bool done() const { return next_ > frames_ && rest_.empty(); }

    void send(std::size_t most)
    {
        if (rest_.empty()) {
            start();
        }
        const std::array fds{blob_.get()};
        const ByteView part = ByteView{rest_}.first(std::min(most, rest_.size()));
        const auto sent =
            send_some(socket_, part, blob_ ? std::span<const int>{fds} : std::span<const int>{});
        REQUIRE(sent.has_value());
        if (*sent > 0) {
            blob_.reset();
            rest_.erase(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(*sent));
        }
    }

private:
    void start()
    {
        const bool has_blob = next_ % 3 == 0;
        if (has_blob) {
            blob_ = numbered(next_);
        }
        const Bytes inline_payload(has_blob ? 0 : next_ % 2000);
        JobOffer offer;
        offer.sequence = Sequence{next_};
        offer.size = has_blob ? next_ : inline_payload.size();
        offer.has_blob = has_blob;
        offer.payload = inline_payload;
        encode(offer, rest_);
        ++next_;
    }

    int socket_;
    std::uint64_t frames_;
    std::uint64_t next_ = 1;
    Bytes rest_;
    UniqueFd blob_;
};

}  // namespace

TEST_CASE("descriptors stay with their frames under partial reads and writes")
{
    constexpr std::uint64_t frames = 3000;
    const SocketPair pair = connected();
    Sender sender{pair.ours.get(), frames};
    FrameSplitter splitter{Link::worker, Direction::from_daemon};
    std::deque<UniqueFd> queue;
    std::mt19937 random{20};  // NOLINT(cert-msc51-cpp): the same schedule every time
    std::uniform_int_distribution<std::size_t> size{1, 5000};
    Bytes to(5000);
    std::uint64_t expected = 1;
    std::size_t mismatches = 0;
    while (expected <= frames) {
        if (!sender.done()) {
            sender.send(size(random));
        }
        const auto received =
            receive_some(pair.theirs.get(), std::span{to}.first(size(random)), queue);
        REQUIRE(received.has_value());
        splitter.feed(ByteView{to}.first(received->size));
        for (auto frame = splitter.next(); frame && *frame; frame = splitter.next()) {
            const auto offer = decode_job_offer(**frame);
            REQUIRE(offer.has_value());
            mismatches += offer->sequence == Sequence{expected} ? 0U : 1U;
            if (offer->has_blob) {
                REQUIRE_FALSE(queue.empty());
                mismatches += number_of(queue.front()) == expected ? 0U : 1U;
                queue.pop_front();
            }
            ++expected;
        }
    }
    CHECK(mismatches == 0);
    CHECK(queue.empty());
}
