// SPDX-License-Identifier: MIT
#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

constexpr std::uint64_t mebibyte = 1U << 20U;

void submit_big(BinaryClient& client, std::uint64_t tag, std::uint64_t size)
{
    client.submit(tag, "big", std::to_string(size));
}

}  // namespace

TEST_CASE("no small result waits behind the pieces of a large one")
{
    const Daemon daemon{pool_config(2)};
    BinaryClient client = daemon.binary();
    constexpr std::uint64_t size = 64 * mebibyte;
    submit_big(client, 1, size);
    (void)client.next(MessageType::result, 1);
    std::uint64_t received = 0;
    for (std::uint64_t tag = 10; tag < 30; ++tag) {
        client.submit(tag, "sum", "10");
        const auto done = static_cast<std::int64_t>(tag) - 8;
        daemon.await("the sum is there", [&] { return daemon.pool().integer_at("done") == done; });
        client.send(Ping{.tag = Tag{tag}});
        int pieces_before = 0;
        for (bool pong = false, result = false; !pong || !result;) {
            const auto heard = client.next();
            REQUIRE(heard);
            pong = pong || (heard->type == MessageType::pong && heard->id == tag);
            result = result || (heard->type == MessageType::result && heard->id == tag);
            if (heard->type == MessageType::piece) {
                ++pieces_before;
                received += heard->as<Piece>().payload.size();
            }
        }
        // What the socket and the daemon's window hold.
        CHECK(pieces_before < 32);
    }
    CHECK(received < size);
    while (received < size) {
        received += client.next(MessageType::piece, 1).as<Piece>().payload.size();
    }
    CHECK(received == size);
}

TEST_CASE("two large results take turns")
{
    const Daemon daemon{pool_config(2)};
    BinaryClient client = daemon.binary();
    constexpr std::uint64_t size = 8 * mebibyte;
    submit_big(client, 1, size);
    submit_big(client, 2, size);
    daemon.await("both results are there", [&] { return daemon.pool().integer_at("done") == 2; });
    std::uint64_t received[3] = {};
    std::uint64_t last = 0;
    int in_a_row = 0;
    while (received[1] + received[2] < 2 * size) {
        const auto heard = client.next();
        REQUIRE(heard);
        if (heard->type != MessageType::piece) {
            continue;
        }
        received[heard->id] += heard->as<Piece>().payload.size();
        in_a_row = heard->id == last ? in_a_row + 1 : 1;
        last = heard->id;
        // The first may have filled the socket before the second was there.
        const bool both = received[1] > mebibyte && received[2] > mebibyte;
        if (both && received[1] < size && received[2] < size) {
            CHECK(in_a_row == 1);
        }
    }
}

TEST_CASE("chunks and the result of one job keep their order behind a large one")
{
    const Daemon daemon{pool_config(2)};
    JsonClient client = daemon.json();
    client.send(R"({"op":"submit","id":"a","handler":"chunks","args":{"count":20,"size":200000}})");
    client.send(R"({"op":"submit","id":"b","handler":"chunks","args":{"count":50,"size":10}})");
    int small = 0;
    std::size_t large = 0;
    for (int results = 0; results < 2;) {
        const auto message = client.next();
        REQUIRE(message);
        const std::string_view op = message->text_at("op");
        if (op == "result") {
            CHECK(message->text_at("state") == "succeeded");
            CHECK((message->text_at("id") == "b" ? small == 50 : large == 20 * 200'000));
            ++results;
        } else if (op == "chunk" && message->text_at("id") == "b") {
            ++small;
        } else if (op == "chunk" || op == "piece") {
            large += payload_of(*message).size();
        }
    }
}

}  // namespace jobmill::tests
