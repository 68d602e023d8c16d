// SPDX-License-Identifier: MIT
#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

/// Everything that a session can be in the middle of.
Bytes recorded_session()
{
    Bytes bytes = greeting();
    encode(Open{.number = 1, .pool = "default", .handler = "echo"}, bytes);
    encode(Submit{.tag = Tag{1}, .handler_number = 1, .size = 5, .payload = bytes_of("hello")},
           bytes);
    encode(Submit{.tag = Tag{2}, .options = {.handler = "until_cancelled"}}, bytes);
    encode(Submit{.tag = Tag{3},
                  .size = 90,
                  .more = true,
                  .options = {.handler = "echo"},
                  .payload = Bytes(30)},
           bytes);
    encode(Piece{.tag = Tag{3}, .more = true, .payload = Bytes(30)}, bytes);
    encode(Piece{.tag = Tag{3}, .payload = Bytes(30)}, bytes);
    encode(Cancel{.tag = Tag{2}}, bytes);
    encode(Ping{.tag = Tag{9}}, bytes);
    return bytes;
}

std::string recorded_lines()
{
    return R"({"op":"hello","min_version":1,"max_version":1}
{"op":"submit","id":"a","handler":"until_cancelled","started":true}
{"op":"submit","id":"b","handler":"echo","size":8,"more":true,"payload":"abcd"}
{"op":"piece","id":"b","payload":"efgh"}
{"op":"cancel","id":"a"}
)";
}

void cut_at_every_byte(const Daemon& daemon, ByteView session, bool say_end)
{
    for (std::size_t size = 0; size <= session.size(); ++size) {
        RawClient client{daemon.socket()};
        client.send(session.first(size));
        if (say_end) {
            client.end_output();
        }
    }
}

}  // namespace

TEST_CASE("a client may vanish at any byte and leaves nothing behind")
{
    const Daemon daemon{pool_config(2)};
    daemon.await_workers(2);
    daemon.check_healthy();
    daemon.await("sessions end", [&] { return daemon.pool().integer_at("busy") == 0; });
    const std::size_t descriptors = daemon.open_descriptors();
    const Bytes frames = recorded_session();
    const std::string lines = recorded_lines();
    cut_at_every_byte(daemon, frames, false);
    cut_at_every_byte(daemon, frames, true);
    cut_at_every_byte(daemon, bytes_of(lines), false);
    daemon.await("no job is left", [&] { return daemon.jobs() == 0; });
    daemon.await_workers(2);
    daemon.await("no descriptor is left", [&] { return daemon.open_descriptors() <= descriptors; });
    CHECK(daemon.children().size() == 3);
    daemon.check_healthy();
}

TEST_CASE("clients that vanish with results on their way disturb nobody")
{
    const Daemon daemon{pool_config(2)};
    JsonClient healthy = daemon.json();
    for (int i = 0; i < 30; ++i) {
        BinaryClient client = daemon.binary();
        client.submit(1, "big", "8388608");
        (void)client.next(MessageType::result, 1);
        client.submit(2, "big", "8388608");
        client.raw().close();
        healthy.submit("a", "sum", "10");
        CHECK(healthy.result("a").text_at("payload") == "55");
    }
    daemon.await("no job is left", [&] { return daemon.jobs() == 0; });
}

}  // namespace jobmill::tests
