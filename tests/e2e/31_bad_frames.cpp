// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/blob.hpp"
#include "common/meta_fields.hpp"
#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

Bytes header(std::uint32_t length, MessageType type, std::uint8_t flags = 0, std::uint16_t meta = 0)
{
    Bytes bytes;
    append_number(bytes, length);
    append_number(bytes, static_cast<std::uint8_t>(type));
    append_number(bytes, flags);
    append_number(bytes, meta);
    append_number(bytes, std::uint64_t{7});
    return bytes;
}

void check_end(BinaryClient& client, const char* code)
{
    CHECK(client.error(0).code == code);
    CHECK_FALSE(client.next());
}

UniqueFd plain_memfd(std::uint64_t size)
{
    UniqueFd memory{::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    REQUIRE(::ftruncate(memory.get(), static_cast<off_t>(size)) == 0);
    return memory;
}

}  // namespace

TEST_CASE("a header that cannot be ends the session and only that one")
{
    const Daemon daemon{pool_config(1)};
    BinaryClient healthy = daemon.binary();
    const Bytes headers[] = {
        header(0, MessageType{0}),
        header(0, MessageType{200}),
        header(0, MessageType::job),
        header(0, MessageType::result),
        header(0, MessageType::submit),
        header(20, MessageType::submit, 0, 40),
        header(16, MessageType::submit, 0x0e),
        header(2, MessageType::hello),
    };
    for (const Bytes& bytes : headers) {
        BinaryClient client = daemon.binary();
        client.raw().send(bytes);
        check_end(client, "bad_frame");
        healthy.ping();
    }
}

TEST_CASE("metadata that is no map ends the session")
{
    const Daemon daemon{pool_config(1)};
    BinaryClient client = daemon.binary();
    Bytes frame = header(20, MessageType::submit, 0, 4);
    frame.resize(frame.size() + 16);
    append(frame, "\xc1\xc1\xc1\xc1");
    client.raw().send(frame);
    check_end(client, "bad_frame");
    daemon.check_healthy();
}

TEST_CASE("frames do without a hello only to be refused")
{
    const Daemon daemon{pool_config(1)};
    RawClient raw{daemon.socket()};
    Bytes bytes;
    append(bytes, preamble);
    encode(Ping{}, bytes);
    raw.send(bytes);
    raw.await_end();
    CHECK(text_of(raw.unread()).find("begins with hello") != std::string_view::npos);
}

TEST_CASE("a length above the limit is refused by its header and takes no memory")
{
    const Daemon daemon{pool_config(1)};
    daemon.check_healthy();
    const std::uint64_t virtual_size = daemon.kibibytes("VmSize");
    const std::uint64_t resident = daemon.kibibytes("RssAnon");
    std::vector<BinaryClient> clients;
    for (int i = 0; i < 20; ++i) {
        clients.push_back(daemon.binary());
        clients.back().raw().send(header(i % 2 == 0 ? 0xffffffffU : 262'129U, MessageType::submit));
    }
    for (BinaryClient& client : clients) {
        const ErrorReply error = client.error(0);
        CHECK(error.code == "too_long");
        CHECK(error.limit == 262'144);
        CHECK_FALSE(client.next());
    }
    if (!sanitized) {
        CHECK(daemon.kibibytes("VmSize") < virtual_size + 4096);
        CHECK(daemon.kibibytes("RssAnon") < resident + 2048);
    }
}

TEST_CASE("frames that announce all they may and send nothing take no memory")
{
    const Daemon daemon{pool_config(1)};
    daemon.check_healthy();
    const std::uint64_t resident = daemon.kibibytes("RssAnon");
    std::vector<BinaryClient> clients;
    for (int i = 0; i < 20; ++i) {
        clients.push_back(daemon.binary());
        clients.back().raw().send(header(262'128U, MessageType::submit));
    }
    daemon.check_healthy();
    if (!sanitized) {
        CHECK(daemon.kibibytes("RssAnon") < resident + 2048);
    }
}

TEST_CASE("half a frame and then silence ends in a timeout")
{
    const Daemon daemon{pool_config(1, "frame_timeout = \"200ms\"")};
    BinaryClient idle = daemon.binary();
    BinaryClient client = daemon.binary();
    client.raw().send(header(100, MessageType::submit));
    check_end(client, "timeout");
    RawClient preamble_only{daemon.socket()};
    preamble_only.send("\x8fJOB");
    preamble_only.await_end();
    CHECK(text_of(preamble_only.unread()).find("timeout") != std::string_view::npos);
    idle.ping();
}

TEST_CASE("the end of input in the middle of a frame is answered after the results")
{
    const Daemon daemon{pool_config(1)};
    BinaryClient client = daemon.binary();
    client.submit(1, "sleep", "50ms");
    client.raw().send(header(100, MessageType::submit));
    client.raw().end_output();
    CHECK(client.error(0).code == "bad_frame");
    CHECK(client.result(1).state == JobState::succeeded);
}

TEST_CASE("requests that cannot be followed are answered and the session goes on")
{
    const Daemon daemon{pool_config(1)};
    BinaryClient client = daemon.binary();
    client.send(Open{.number = 3, .pool = "nowhere", .handler = "echo"});
    CHECK(client.error(3).code == "unknown_pool");
    client.send(Open{.number = 3, .pool = "default", .handler = "nothing"});
    CHECK(client.error(3).code == "unknown_handler");
    client.send(Open{.number = 0, .pool = "default", .handler = "echo"});
    CHECK(client.error(0).code == "bad_value");
    client.send(Submit{.tag = Tag{4}, .handler_number = 3});
    CHECK(client.error(4).code == "unknown_handler");
    client.send(Submit{.tag = Tag{5}});
    CHECK(client.error(5).code == "missing_field");
    client.send(Piece{.tag = Tag{6}, .payload = bytes_of("x")});
    CHECK(client.error(6).code == "not_found");
    client.send(Wait{.tag = Tag{7}, .job = JobId{99}});
    CHECK(client.error(7).code == "not_found");
    client.send(Ping{.tag = Tag{8}, .payload = Bytes(1025)});
    CHECK(client.error(8).code == "bad_value");
    client.submit(9, "sum", "10");
    CHECK(client.result(9).payload == "55");
}

TEST_CASE("an option that the daemon does not know refuses the submit")
{
    const Daemon daemon{pool_config(1)};
    BinaryClient client = daemon.binary();
    Bytes bytes;
    FrameWriter frame{bytes, MessageType::submit, 5};
    frame.zeros(16);
    meta::Builder{}.text("handler", "echo").text("urgent", "very").append_to(frame.begin_meta());
    frame.end_meta().finish();
    client.raw().send(bytes);
    const ErrorReply error = client.error(5);
    CHECK(error.code == "unknown_option");
    CHECK(error.field == "urgent");
    client.ping();
}

TEST_CASE("a tag of an unfinished job is refused in frames too")
{
    const Daemon daemon{pool_config(1)};
    BinaryClient client = daemon.binary();
    client.submit(1, "until_cancelled");
    (void)client.next(MessageType::chunk, 1);
    client.submit(1, "echo");
    CHECK(client.error(1).code == "duplicate_id");
    client.send(Cancel{.tag = Tag{1}});
    CHECK(client.result(1).payload == "stopped");
}

TEST_CASE("a session has so many opened handlers and no more")
{
    const Daemon daemon{pool_config(1)};
    BinaryClient client = daemon.binary();
    Bytes bytes;
    for (std::uint64_t number = 1; number <= 1025; ++number) {
        encode(Open{.number = number, .pool = {}, .handler = "echo"}, bytes);
    }
    client.raw().send(bytes);
    CHECK(client.error(1025).code == "too_large");
    client.send(Open{.number = 1, .pool = {}, .handler = "sum"});
    client.ping();
    client.send(Submit{.tag = Tag{1}, .handler_number = 1, .size = 2, .payload = bytes_of("10")});
    CHECK(client.result(1).payload == "55");
}

TEST_CASE("a descriptor that is no sealed memfd of the declared size is refused")
{
    const Daemon daemon{pool_config(1)};
    BinaryClient client = daemon.binary();
    daemon.check_healthy();
    client.ping();
    const std::size_t before = daemon.open_descriptors();
    const UniqueFd unsealed = plain_memfd(100'000);
    const UniqueFd half_sealed = plain_memfd(100'000);
    REQUIRE(::fcntl(half_sealed.get(), F_ADD_SEALS, F_SEAL_GROW) == 0);
    const UniqueFd device{::open("/dev/zero", O_RDWR | O_CLOEXEC)};
    const auto blob = make_blob(100'000);
    REQUIRE(blob);
    std::uint64_t tag = 1;
    const std::pair<int, std::uint64_t> bad[] = {
        {unsealed.get(), 100'000},        {half_sealed.get(), 100'000}, {device.get(), 100'000},
        {client.raw().socket(), 100'000}, {blob->get(), 49'999},        {blob->get(), 100'001}};
    for (const auto& [descriptor, size] : bad) {
        client.submit_blob(++tag, "echo", descriptor, size);
        CHECK(client.error(tag).code == "bad_descriptor");
    }
    client.submit_blob(50, "echo", blob->get(), 100'000);
    CHECK(client.result(50).payload == std::string(100'000, '\0'));
    daemon.await("the descriptors are closed",
                 [&] { return daemon.open_descriptors() <= before + 1; });
}

TEST_CASE("descriptors that nobody asked for are closed at once")
{
    const Daemon daemon{pool_config(1)};
    BinaryClient frames = daemon.binary();
    JsonClient lines = daemon.json();
    lines.ping();
    daemon.await_workers(1);
    daemon.check_healthy();
    lines.ping();
    const std::size_t before = daemon.open_descriptors();
    const UniqueFd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    const std::vector<int> many(253, null.get());
    Bytes ping;
    encode(Ping{.tag = Tag{5}}, ping);
    for (int i = 0; i < 20; ++i) {
        frames.raw().send(ping, many);
        (void)frames.next(MessageType::pong, 5);
        lines.raw().send(bytes_of("{\"op\":\"ping\",\"id\":\"a\"}\n"), many);
        (void)lines.next("pong", "a");
        CHECK(daemon.open_descriptors() == before);
    }
    // With half a frame and half a line as well.
    frames.raw().send(ByteView{ping}.first(8), many);
    lines.raw().send(bytes_of("{\"op\":"), many);
    daemon.check_healthy();
    CHECK(daemon.open_descriptors() < before + 100);
    frames.raw().send(ByteView{ping}.subspan(8));
    (void)frames.next(MessageType::pong, 5);
    lines.raw().send("\"ping\",\"id\":\"a\"}\n");
    (void)lines.next("pong", "a");
    CHECK(daemon.open_descriptors() == before);
}

TEST_CASE("a submit that announces a descriptor and brings none is refused")
{
    const Daemon daemon{pool_config(1)};
    BinaryClient client = daemon.binary();
    Bytes frame;
    encode(Submit{.tag = Tag{1}, .size = 100'000, .has_blob = true, .options = {.handler = "echo"}},
           frame);
    client.raw().send(frame);
    CHECK(client.error(1).code == "bad_descriptor");
    client.ping();
}

}  // namespace jobmill::tests
