// SPDX-License-Identifier: MIT
#include "common/blob.hpp"
#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

constexpr std::uint64_t mebibyte = 1U << 20U;
constexpr std::uint64_t large = (sanitized ? 64 : 1024) * mebibyte;

/// The most that the daemon has had in memory of its own since this was made.
class Peak {
public:
    explicit Peak(const Daemon& daemon) : daemon_(daemon), before_(daemon.kibibytes("RssAnon")) {}
    void look() { most_ = std::max(most_, daemon_.kibibytes("RssAnon")); }
    /// Not asked of a sanitizer, which keeps what was freed.
    [[nodiscard]] std::uint64_t grown_kibibytes() const
    {
        return most_ > before_ && !sanitized ? most_ - before_ : 0;
    }

private:
    const Daemon& daemon_;
    std::uint64_t before_;
    std::uint64_t most_ = 0;
};

/// Bytes of the result's payload, not kept.
std::uint64_t count_result(BinaryClient& client, std::uint64_t tag, Peak& peak)
{
    const Heard head = client.next(MessageType::result, tag);
    REQUIRE(head.as<JobResult>().state == JobState::succeeded);
    std::uint64_t size = head.as<JobResult>().payload.size();
    bool more = head.more;
    for (int i = 0; more; ++i) {
        const Heard piece = client.next(MessageType::piece, tag);
        size += piece.as<Piece>().payload.size();
        more = piece.more;
        if (i % 1024 == 0) {
            peak.look();
        }
    }
    peak.look();
    return size;
}

}  // namespace

TEST_CASE("an empty payload and an empty result are whole ones")
{
    const Daemon daemon{pool_config(1)};
    BinaryClient frames = daemon.binary();
    frames.submit(1, "echo");
    const WholeResult result = frames.result(1);
    CHECK(result.state == JobState::succeeded);
    CHECK(result.payload.empty());
    const auto nothing = make_blob(0);
    REQUIRE(nothing);
    frames.submit_blob(2, "echo", nothing->get(), 0);
    CHECK(frames.result(2).payload.empty());
    JsonClient lines = daemon.json();
    lines.send(R"({"op":"submit","id":"a","handler":"echo"})");
    CHECK(lines.result("a").text_at("state") == "succeeded");
}

TEST_CASE("payloads at and about the inline limit come back unchanged")
{
    const Daemon daemon{pool_config(1)};
    BinaryClient client = daemon.binary();
    for (const std::size_t size : {65'535U, 65'536U, 65'537U, 131'072U, 200'001U}) {
        CAPTURE(size);
        std::string payload(size, ' ');
        for (std::size_t i = 0; i < size; ++i) {
            payload[i] = static_cast<char>(i * 31 + i / 256);
        }
        const ByteView bytes = bytes_of(payload);
        const std::size_t first = std::min<std::size_t>(size, 65'536);
        client.send(Submit{.tag = Tag{1},
                           .size = size,
                           .more = size > first,
                           .options = {.handler = "echo"},
                           .payload = bytes.first(first)});
        for (std::size_t at = first; at < size; at += 65'536) {
            const std::size_t part = std::min<std::size_t>(65'536, size - at);
            client.send(
                Piece{.tag = Tag{1}, .more = at + part < size, .payload = bytes.subspan(at, part)});
        }
        CHECK(client.result(1).payload == payload);
    }
}

TEST_CASE("text above the inline limit travels in JSON pieces both ways")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    std::string sent;
    client.send(R"({"op":"submit","id":"a","handler":"echo","size":300000,"more":true})");
    for (int i = 0; i < 10; ++i) {
        const std::string part(30'000, static_cast<char>('a' + i));
        client.send(R"({"op":"piece","id":"a","payload":")" + part + R"(","more":)" +
                    (i < 9 ? "true}" : "false}"));
        sent += part;
    }
    CHECK((client.whole_payload("a") == sent));
}

TEST_CASE("a memfd of a gibibyte goes through and takes the daemon no memory")
{
    const Daemon daemon{pool_config(1)};
    BinaryClient client = daemon.binary();
    client.ping();
    Peak peak{daemon};
    const auto blob = make_blob(large);
    REQUIRE(blob);
    REQUIRE(write_blob(blob->get(), large - 3, bytes_of("end")));
    client.submit_blob(1, "echo", blob->get(), large);
    CHECK(count_result(client, 1, peak) == large);
    CHECK(peak.grown_kibibytes() < 16 * 1024);
}

TEST_CASE("a gibibyte in pieces goes in and takes the daemon no memory")
{
    const Daemon daemon{pool_config(1)};
    BinaryClient client = daemon.binary();
    client.ping();
    Peak peak{daemon};
    client.send(
        Submit{.tag = Tag{1}, .size = large, .more = true, .options = {.handler = "counter"}});
    Bytes piece;
    encode(Piece{.tag = Tag{1}, .more = true, .payload = Bytes(65'536)}, piece);
    for (std::uint64_t at = 65'536; at < large; at += 65'536) {
        client.raw().send(piece);
        if (at % (64 * mebibyte) == 0) {
            peak.look();
        }
    }
    client.send(Piece{.tag = Tag{1}, .payload = Bytes(65'536)});
    peak.look();
    CHECK(client.result(1).state == JobState::succeeded);
    peak.look();
    CHECK(peak.grown_kibibytes() < 16 * 1024);
}

TEST_CASE("a result of a gibibyte comes out and takes the daemon no memory")
{
    const Daemon daemon{pool_config(1)};
    BinaryClient client = daemon.binary();
    client.ping();
    Peak peak{daemon};
    client.submit(1, "big", std::to_string(large));
    CHECK(count_result(client, 1, peak) == large);
    CHECK(peak.grown_kibibytes() < 16 * 1024);
}

}  // namespace jobmill::tests
