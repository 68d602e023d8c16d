// SPDX-License-Identifier: MIT
// Large payloads and results that are never copied: lent, put, read where they lie, given back.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "jobmill/client.hpp"
#include "tests/e2e/descriptor_limit.hpp"
#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20U;

Client connect(const Daemon& daemon, bool result_blobs = true)
{
    auto client = Client::connect(daemon.socket(), {.result_blobs = result_blobs});
    REQUIRE(client);
    return std::move(*client);
}

LentBlob filled(Client& client, char with, std::size_t size = mebibyte)
{
    auto lent = client.lend(size);
    REQUIRE(lent);
    REQUIRE(lent->bytes().size() == size);
    std::fill(lent->bytes().begin(), lent->bytes().end(), static_cast<std::byte>(with));
    return std::move(*lent);
}

event::JobResult result_of(Client& client, const Result<Tag>& tag)
{
    REQUIRE(tag);
    auto answer = client.answer(*tag);
    REQUIRE_MESSAGE(answer, answer.error().what);
    auto result = std::get<event::JobResult>(std::move(*answer));
    CHECK(result.state == JobState::succeeded);
    return result;
}

/// A result of so many bytes 'b'.
event::JobResult big(Client& client, std::size_t size = mebibyte)
{
    const std::string digits = std::to_string(size);
    return result_of(client, client.submit({.handler = "big", .payload = bytes_of(digits)}));
}

Tag put(Client& client, ByteView payload)
{
    const auto tag = client.put(payload);
    REQUIRE(tag);
    const auto answer = client.answer(*tag);
    REQUIRE_MESSAGE(answer, answer.error().what);
    CHECK(std::holds_alternative<event::Stored>(*answer));
    return *tag;
}

/// A large result, however it came.
Bytes bytes_in(const event::JobResult& result)
{
    const ByteView bytes = result.blob ? result.blob.bytes() : ByteView{result.payload};
    return {bytes.begin(), bytes.end()};
}

/// The daemon has heard everything that was sent before.
void settle(Client& client)
{
    const auto tag = client.ping();
    REQUIRE(tag);
    REQUIRE(client.answer(*tag));
}

std::size_t mapped_blobs(pid_t pid)
{
    std::ifstream maps{"/proc/" + std::to_string(pid) + "/maps"};
    std::size_t count = 0;
    for (std::string line; std::getline(maps, line);) {
        count += line.find("jobmill-blob") == std::string::npos ? 0U : 1U;
    }
    return count;
}

/// Of all workers and templates.
std::size_t blobs_in_workers(const Daemon& daemon)
{
    std::size_t count = 0;
    for (const pid_t child : daemon.children()) {
        count += mapped_blobs(child);
    }
    return count;
}

}  // namespace

TEST_CASE("a payload that was lent is read where it lies, and its memory is lent again")
{
    const Daemon daemon{pool_config(1)};
    Client client = connect(daemon);
    LentBlob lent = filled(client, 'a');
    const std::byte* const first = lent.bytes().data();
    event::JobResult echoed =
        result_of(client, client.submit({.handler = "echo"}, std::move(lent)));
    REQUIRE(echoed.blob);
    CHECK(echoed.payload.empty());
    CHECK(echoed.blob.bytes().data() == first);  // the payload is the result, and nobody moved it
    CHECK(echoed.blob.bytes().size() == mebibyte);
    // Somebody still looks at it.
    LentBlob other = filled(client, 'b');
    CHECK(other.bytes().data() != first);
    CHECK(echoed.blob.bytes()[0] == std::byte{'a'});
    echoed = {};
    CHECK(filled(client, 'c', mebibyte - 1000).bytes().data() == first);
    const auto summed = result_of(client, client.submit({.handler = "sha256"}, std::move(other)));
    CHECK(summed.payload.size() == 64);
    CHECK_FALSE(summed.blob);
}

TEST_CASE("a small payload that was lent goes as any other")
{
    const Daemon daemon{pool_config(1)};
    Client client = connect(daemon);
    for (const std::size_t size : {0U, 1U, 65'536U}) {
        CAPTURE(size);
        const auto result =
            result_of(client, client.submit({.handler = "echo"}, filled(client, 'x', size)));
        CHECK(result.payload == Bytes(size, std::byte{'x'}));
        CHECK_FALSE(result.blob);
    }
    const auto result =
        result_of(client, client.submit({.handler = "echo"}, filled(client, 'x', 65'537)));
    CHECK(result.blob.bytes().size() == 65'537);
    CHECK_FALSE(client.submit({.handler = "echo", .payload = bytes_of("y")}, filled(client, 'x')));
}

TEST_CASE("a large payload is copied once, and what its owner does with it then is his affair")
{
    const Daemon daemon{pool_config(1)};
    Client client = connect(daemon, false);
    Bytes payload(mebibyte, std::byte{'a'});
    for (int i = 0; i < 3; ++i) {
        const auto tag = client.submit({.handler = "echo", .payload = payload});
        const Bytes before = payload;
        std::fill(payload.begin(), payload.end(), static_cast<std::byte>('b' + i));
        CHECK(result_of(client, tag).payload == before);
        CHECK(mapped_blobs(::getpid()) == 1);  // the same memory each time
    }
    const Tag blob = put(client, payload);
    CHECK(result_of(client, client.submit({.handler = "echo", .blob = blob})).payload == payload);
}

TEST_CASE("a payload that was copied may be freed at once, however many are on their way")
{
    const Daemon daemon{pool_config(1)};
    Client client = connect(daemon, false);
    constexpr std::size_t size = 100'000;
    std::map<Tag, std::byte> expected;
    for (int i = 0; i < 100; ++i) {
        const auto with = static_cast<std::byte>(i);
        Bytes payload(size, with);
        const auto tag = client.submit({.handler = "echo", .payload = payload});
        REQUIRE(tag);
        expected[*tag] = with;
        std::fill(payload.begin(), payload.end(), std::byte{0xff});
    }
    for (const auto& [tag, with] : expected) {
        CHECK(result_of(client, tag).payload == Bytes(size, with));
    }
}

TEST_CASE("results that are held are no reason to borrow what was to be copied")
{
    const Daemon daemon{pool_config(1)};
    Client client = connect(daemon);
    std::vector<event::JobResult> held;
    held.reserve(64);
    for (int i = 0; i < 64; ++i) {
        held.push_back(
            result_of(client, client.submit({.handler = "echo"}, filled(client, 'h', 100'000))));
    }
    Bytes payload(100'000, std::byte{'a'});
    const auto job = client.submit({.handler = "echo", .payload = payload});
    const auto stored = client.put(payload);
    REQUIRE(stored);
    std::fill(payload.begin(), payload.end(), std::byte{'z'});
    held.clear();
    const Bytes expected(100'000, std::byte{'a'});
    CHECK(bytes_in(result_of(client, job)) == expected);
    REQUIRE(client.answer(*stored));
    CHECK(bytes_in(result_of(client, client.submit({.handler = "echo", .blob = *stored}))) ==
          expected);
}

TEST_CASE("out of descriptors, what was to be copied is copied elsewhere")
{
    const Daemon daemon{pool_config(1)};
    Client client = connect(daemon, false);
    Bytes payload(300'000, std::byte{'a'});
    Result<Tag> job{Tag{}};
    Result<Tag> stored{Tag{}};
    Result<Tag> lent{Tag{}};
    {
        const DescriptorLimit none{0};
        job = client.submit({.handler = "echo", .payload = payload});
        stored = client.put(payload);
        lent = client.submit({.handler = "echo"}, filled(client, 'l', 300'000));
    }
    const Bytes expected = payload;
    std::fill(payload.begin(), payload.end(), std::byte{'z'});
    CHECK(result_of(client, job).payload == expected);
    CHECK(result_of(client, lent).payload == Bytes(300'000, std::byte{'l'}));
    REQUIRE(stored);
    REQUIRE(client.answer(*stored));
    CHECK(result_of(client, client.submit({.handler = "echo", .blob = *stored})).payload ==
          expected);
}

TEST_CASE("what is kept for payloads bounds their copies, and others are borrowed")
{
    const Daemon daemon{pool_config(1)};
    auto client = Client::connect(daemon.socket(), {.kept_blobs = 2 * mebibyte});
    REQUIRE(client);
    const Bytes payload(mebibyte, std::byte{'p'});
    std::vector<Tag> tags;
    tags.reserve(5);
    for (int i = 0; i < 5; ++i) {
        tags.push_back(*client->submit({.handler = "echo", .payload = payload}));
    }
    CHECK(mapped_blobs(::getpid()) == 2);
    for (const Tag tag : tags) {
        CHECK(result_of(*client, tag).payload == payload);
    }
}

TEST_CASE("what is put in pieces has nothing refused that comes beside it")
{
    const Daemon daemon{pool_config(1)};
    auto client = Client::connect(daemon.socket(), {.kept_blobs = 0});
    REQUIRE(client);
    const Bytes large(12 * mebibyte, std::byte{'p'});
    const auto first = client->put(large);
    const auto second = client->put(large);
    REQUIRE(first);
    REQUIRE(second);
    const Bytes ordinary(5 * mebibyte, std::byte{'j'});
    const auto job = client->submit({.handler = "echo", .payload = ordinary});
    CHECK(result_of(*client, job).payload == ordinary);
    for (const auto& tag : {first, second}) {
        const auto answer = client->answer(*tag);
        REQUIRE_MESSAGE(answer, answer.error().what);
    }
    CHECK(result_of(*client, client->submit({.handler = "echo", .blob = *second})).payload ==
          large);
}

TEST_CASE("no more is kept than was said, once nobody uses it")
{
    const Daemon daemon{pool_config(1)};
    auto client = Client::connect(daemon.socket(), {.kept_blobs = mebibyte});
    REQUIRE(client);
    const auto large = [&] { return filled(*client, 'x', 8 * mebibyte); };
    (void)result_of(*client, client->submit({.handler = "sha256"}, large()));
    CHECK(mapped_blobs(::getpid()) == 0);
    const auto stored = client->put(large());
    REQUIRE(stored);
    REQUIRE(client->answer(*stored));
    CHECK(mapped_blobs(::getpid()) == 0);
    const auto detached = client->submit({.handler = "sha256", .detached = true}, large());
    REQUIRE(detached);
    REQUIRE(client->answer(*detached));
    CHECK(mapped_blobs(::getpid()) == 0);
    (void)result_of(*client, client->submit({.handler = "sha256"}, filled(*client, 'x')));
    CHECK(mapped_blobs(::getpid()) == 1);
}

TEST_CASE("a mapped file that became shorter is an error of the submit, and ends nothing")
{
    const Daemon daemon{pool_config(1)};
    Client client = connect(daemon);
    const UniqueFd file{::memfd_create("shorter", MFD_CLOEXEC)};
    REQUIRE(::ftruncate(file.get(), mebibyte) == 0);
    void* const mapped = ::mmap(nullptr, mebibyte, PROT_READ, MAP_SHARED, file.get(), 0);
    REQUIRE(mapped != MAP_FAILED);
    REQUIRE(::ftruncate(file.get(), 4096) == 0);
    const ByteView payload{static_cast<const std::byte*>(mapped), mebibyte};
    CHECK_FALSE(client.submit({.handler = "echo", .payload = payload}));
    CHECK(big(client).blob);
    (void)::munmap(mapped, mebibyte);
}

TEST_CASE("what a job might still read is not lent again")
{
    const Daemon daemon{pool_config(1)};
    Client client = connect(daemon);
    const auto digest =
        result_of(client, client.submit({.handler = "sha256"}, filled(client, 'a'))).payload;
    const auto running = client.submit({.handler = "until_cancelled"});
    REQUIRE(running);
    const auto tag = client.submit({.handler = "sha256", .detached = true}, filled(client, 'a'));
    REQUIRE(tag);
    const auto accepted = client.answer(*tag);
    REQUIRE(accepted);
    (void)filled(client, 'b');
    REQUIRE(client.cancel(*running));
    const auto waited = client.wait_job(std::get<event::Accepted>(*accepted).job);
    CHECK(result_of(client, waited).payload == digest);
}

TEST_CASE("results come as they lie for who takes them so, and as payloads for others")
{
    const Daemon daemon{pool_config(1)};
    Client keeper = connect(daemon);
    const auto kept = big(keeper);
    CHECK(kept.payload.empty());
    CHECK(std::all_of(kept.blob.bytes().begin(), kept.blob.bytes().end(),
                      [](std::byte each) { return each == std::byte{'b'}; }));
    Client copier = connect(daemon, false);
    const auto copied = big(copier);
    CHECK_FALSE(copied.blob);
    CHECK(copied.payload == Bytes(mebibyte, std::byte{'b'}));
    BinaryClient plain = daemon.binary();
    plain.submit(1, "big", std::to_string(mebibyte));
    CHECK(plain.result(1).payload == std::string(mebibyte, 'b'));
}

TEST_CASE("who returns no result gets the further ones in pieces")
{
    const Daemon daemon{pool_config(1)};
    Client client = connect(daemon);
    (void)big(client);
    settle(client);
    const std::size_t before = daemon.open_descriptors();
    std::vector<event::JobResult> results;
    results.reserve(70);
    for (int i = 0; i < 70; ++i) {
        results.push_back(big(client, 100'000));
    }
    const auto blobs = std::count_if(results.begin(), results.end(),
                                     [](const auto& result) { return bool{result.blob}; });
    CHECK(blobs == 64);
    CHECK(results.back().payload.size() == 100'000);
    results.clear();
    CHECK(big(client).blob);
    settle(client);
    daemon.await("what was returned is closed",
                 [&] { return daemon.open_descriptors() <= before; });
}

TEST_CASE("a client that vanishes leaves nothing of what it had")
{
    const Daemon daemon{pool_config(1)};
    daemon.check_healthy();
    const std::size_t before = daemon.open_descriptors();
    {
        Client client = connect(daemon);
        const auto result = big(client);
        (void)put(client, filled(client, 'p').bytes());
        CHECK(daemon.open_descriptors() > before + 1);
    }
    daemon.await("everything is closed", [&] { return daemon.open_descriptors() <= before; });
    daemon.await("the worker has unmapped it", [&] { return blobs_in_workers(daemon) == 0; });
}

TEST_CASE("a result that the client has not is not taken back")
{
    const Daemon daemon{pool_config(1)};
    BinaryClient client = daemon.binary();
    client.send(Return{.tag = Tag{5}, .job = JobId{999}});
    CHECK(client.error(5).code == "not_found");
    client.submit(1, "sum", "10");
    const JobId job = client.next(MessageType::result, 1).as<JobResult>().job;
    client.send(Return{.tag = Tag{6}, .job = job});
    CHECK(client.error(6).code == "not_found");
}

TEST_CASE("one payload that was put is read by many jobs and copied for none")
{
    const Daemon daemon{pool_config(2)};
    daemon.await_workers(2);
    Client client = connect(daemon);
    constexpr std::size_t size = 16 * mebibyte;
    const Tag blob = put(client, filled(client, 'x', size).bytes());
    const std::uint64_t memory = daemon.kibibytes("RssAnon");
    const std::size_t descriptors = daemon.open_descriptors();
    std::vector<Tag> tags;
    for (int i = 0; i < 200; ++i) {
        const auto tag = client.submit({.handler = "peek", .blob = blob});
        REQUIRE(tag);
        tags.push_back(*tag);
    }
    for (const Tag tag : tags) {
        const auto result = result_of(client, tag);
        CHECK(text_of(result.payload) == std::to_string(size / 4096 * 'x'));
    }
    CHECK(daemon.open_descriptors() <= descriptors);
    CHECK((sanitized || daemon.kibibytes("RssAnon") < memory + 4096));
    CHECK(mapped_blobs(daemon.pid()) == 0);
    const std::size_t mapped = blobs_in_workers(daemon);
    CHECK(mapped >= 1);
    CHECK(mapped <= 2);  // once a worker
    REQUIRE(client.drop(blob));
    settle(client);
    daemon.await("idle workers have unmapped it", [&] { return blobs_in_workers(daemon) == 0; });
}

TEST_CASE("a name goes when it is dropped, what has it stays as long as it has it")
{
    const Daemon daemon{pool_config(1)};
    daemon.check_healthy();
    BinaryClient client = daemon.binary();
    client.ping();
    const std::size_t before = daemon.open_descriptors();
    const auto submit = [&](std::uint64_t tag, std::uint64_t blob) {
        client.send(Submit{.tag = Tag{tag}, .options = {.handler = "echo", .blob = blob}});
    };
    submit(1, 7);
    const ErrorReply unknown = client.error(1);
    CHECK(unknown.code == "not_found");
    CHECK(unknown.field == "blob");
    client.send(Drop{Tag{7}});
    CHECK(client.error(7).code == "not_found");
    client.send(Put{.tag = Tag{7}, .size = 5, .payload = bytes_of("words")});
    (void)client.next(MessageType::stored, 7);
    client.send(Put{.tag = Tag{7}, .size = 1, .payload = bytes_of("x")});
    CHECK(client.error(7).code == "duplicate_id");
    client.submit(7, "echo", "x");
    CHECK(client.error(7).code == "duplicate_id");
    client.submit(2, "until_cancelled");
    submit(3, 7);
    submit(4, 7);
    client.send(Drop{Tag{7}});
    submit(5, 7);
    CHECK(client.error(5).code == "not_found");
    client.send(Put{.tag = Tag{7}, .size = 6, .payload = bytes_of("others")});
    (void)client.next(MessageType::stored, 7);
    submit(6, 7);
    client.send(Cancel{.tag = Tag{4}});
    client.send(Cancel{.tag = Tag{2}});
    CHECK(client.result(3).payload == "words");
    CHECK(client.result(4).state == JobState::cancelled);
    CHECK(client.result(6).payload == "others");
    client.send(Submit{.tag = Tag{8},
                       .size = 1,
                       .options = {.handler = "echo", .blob = 7},
                       .payload = bytes_of("x")});
    CHECK(client.error(8).field == "blob");
    client.send(Drop{Tag{7}});
    client.ping();
    daemon.await("all of it is closed", [&] { return daemon.open_descriptors() <= before; });
}

TEST_CASE("what is put in lines and pieces is as any other, and ends with the input")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.send(R"({"op":"put","id":"p","size":200000,"more":true,"payload":"begin"})");
    client.send(R"({"op":"submit","id":"p","handler":"echo","payload":"x"})");
    CHECK(client.next("error", "p").text_at("code") == "duplicate_id");
    for (int i = 0; i < 5; ++i) {
        const std::string part(i < 4 ? 40'000 : 39'995, 'm');
        client.send(R"({"op":"piece","id":"p","payload":")" + part +
                    (i < 4 ? R"(","more":true})" : R"("})"));
    }
    (void)client.next("stored", "p");
    client.send(R"({"op":"submit","id":"a","handler":"echo","blob":"p"})");
    const std::string echoed = client.whole_payload("a");
    CHECK(echoed.size() == 200'000);
    CHECK(echoed.substr(0, 6) == "beginm");
    client.send(R"({"op":"submit","id":"b","handler":"echo","blob":"q"})");
    CHECK(client.next("error", "b").text_at("field") == "blob");
    client.send(R"({"op":"submit","id":"c","handler":"echo","blob":"p","payload":"x"})");
    CHECK(client.next("error", "c").text_at("field") == "blob");
    client.send(R"({"op":"submit_many","ids":["d"],"handler":"echo","blob":"p","payloads":["x"]})");
    CHECK(client.next("error", "d").text_at("code") == "unknown_option");
    client.send(R"({"op":"drop","id":"q"})");
    CHECK(client.next("error", "q").text_at("code") == "not_found");
    client.send(R"({"op":"put","id":"cut","size":9,"more":true,"payload":"x"})");
    client.raw().end_output();
    CHECK(client.next("error", "cut").text_at("code") == "bad_value");
    CHECK(client.rest().size() == 1);  // accepted
}

TEST_CASE("what was put counts once, and until its last reader is done")
{
    const Daemon daemon{pool_config(1, "max_bytes_per_user = \"1MiB\"")};
    Client client = connect(daemon);
    Client second = connect(daemon);
    const Bytes payload(600'000, std::byte{'x'});
    const Tag blob = put(client, payload);
    const auto is_full = [&] {
        const auto tag = second.put(payload);
        REQUIRE(tag);
        const auto answer = second.answer(*tag);
        if (answer) {
            REQUIRE(second.drop(*tag));
            settle(second);
            return false;
        }
        CHECK(answer.error().what.find("max_bytes_per_user") != std::string::npos);
        return true;
    };
    CHECK(is_full());
    const auto blocking = client.submit({.handler = "until_cancelled"});
    REQUIRE(blocking);
    std::vector<Tag> tags;
    for (int i = 0; i < 10; ++i) {
        const auto tag = client.submit({.handler = "echo", .blob = blob});
        REQUIRE(tag);
        tags.push_back(*tag);
    }
    REQUIRE(client.drop(blob));
    settle(client);
    CHECK(is_full());
    REQUIRE(client.cancel(*blocking));
    for (const Tag tag : tags) {
        CHECK(result_of(client, tag).size == payload.size());
    }
    CHECK_FALSE(is_full());
    {
        Client vanishing = connect(daemon);
        (void)put(vanishing, payload);
        CHECK(is_full());
    }
    daemon.await("the vanished one's counts no more", [&] { return !is_full(); });
}

}  // namespace jobmill::tests
