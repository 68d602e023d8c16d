// SPDX-License-Identifier: MIT
// What jobs read beside their payloads: put once, named in many.
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "common/limits.hpp"
#include "jobmill/client.hpp"
#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

Tag put(Client& client, std::string_view payload)
{
    const auto tag = client.put(bytes_of(payload));
    REQUIRE(tag);
    const auto answer = client.answer(*tag);
    REQUIRE(answer);
    CHECK(std::holds_alternative<event::Stored>(*answer));
    return *tag;
}

Client connect(const Daemon& daemon)
{
    auto client = Client::connect(daemon.socket());
    REQUIRE(client);
    return std::move(*client);
}

event::JobResult result_of(Client& client, const Result<Tag>& tag)
{
    REQUIRE(tag);
    auto answer = client.answer(*tag);
    REQUIRE_MESSAGE(answer, answer.error().what);
    return std::get<event::JobResult>(std::move(*answer));
}

/// Those that the daemon has open.
int blobs_of(const Daemon& daemon)
{
    int count = 0;
    const std::filesystem::directory_iterator all{"/proc/" + std::to_string(daemon.pid()) + "/fd"};
    for (const auto& entry : all) {
        std::error_code closed;
        const auto target = std::filesystem::read_symlink(entry.path(), closed).string();
        count += target.starts_with("/memfd:jobmill-blob") ? 1 : 0;
    }
    return count;
}

std::string text(const event::JobResult& result)
{
    CHECK(result.state == JobState::succeeded);
    return std::string{text_of(result.payload)};
}

}  // namespace

TEST_CASE("a job reads its inputs beside its payload, in the order in which it names them")
{
    const Daemon daemon{pool_config(1)};
    Client client = connect(daemon);
    const Tag a = put(client, "first");
    const Tag b = put(client, std::string(100'000, 'b'));
    const Tag none = put(client, "");
    const std::vector<Tag> both{b, a, none, b};
    const NewJob job{.handler = "inputs", .payload = bytes_of("own"), .inputs = both};
    const std::string large(100'000, 'b');
    CHECK(text(result_of(client, client.submit(job))) == "own\n" + large + "\nfirst\n\n" + large);
    // A large payload is a descriptor, too.
    const std::string own(200'000, 'o');
    const std::vector<Tag> one{a};
    CHECK(text(result_of(
              client,
              client.submit({.handler = "inputs", .payload = bytes_of(own), .inputs = one}))) ==
          own + "\nfirst");
    CHECK(text(result_of(client, client.submit({.handler = "inputs", .blob = a, .inputs = one}))) ==
          "first\nfirst");
}

TEST_CASE("many jobs have an input each and leave nothing, whatever becomes of its name")
{
    const Daemon daemon{pool_config(2)};
    Client client = connect(daemon);
    daemon.await_workers(2);
    const std::vector<Tag> inputs{put(client, "x"), put(client, std::string(70'000, 'y'))};
    CHECK(blobs_of(daemon) == 2);
    std::vector<ByteView> payloads(300, bytes_of("p"));
    const auto tags = client.submit_many(payloads, {.handler = "inputs", .inputs = inputs});
    REQUIRE(tags);
    for (const Tag input : inputs) {
        REQUIRE(client.drop(input));
    }
    const std::string want = "p\nx\n" + std::string(70'000, 'y');
    for (const Tag tag : *tags) {
        CHECK(text(result_of(client, tag)) == want);
    }
    // What results lay in is given back by the next call that sends.
    const auto ping = client.ping();
    REQUIRE(ping);
    REQUIRE(client.answer(*ping));
    daemon.await("they are gone", [&] { return blobs_of(daemon) == 0; });
}

TEST_CASE("a job that is tried again has its inputs again")
{
    const Daemon daemon{pool_config(1)};
    Client client = connect(daemon);
    const std::vector<Tag> inputs{put(client, "one"), put(client, "two")};
    const auto result = result_of(client, client.submit({.handler = "inputs",
                                                         .payload = bytes_of("missing"),
                                                         .inputs = inputs,
                                                         .options = {.retry_failure = 1}}));
    CHECK(result.state == JobState::failed);
    CHECK(result.cause->text == "input 2 is missing");
    CHECK(result.attempt == 2);
}

TEST_CASE("inputs that were not put, and too many, are refused by name")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.send(R"({"op":"put","id":"a","payload":"alpha"})");
    (void)client.next("stored", "a");
    client.submit("1", "inputs", "own", R"(,"inputs":["a","nobody"])");
    const Value unknown = client.next("error", "1");
    CHECK(unknown.text_at("code") == "not_found");
    CHECK(unknown.text_at("field") == "inputs");
    std::string ids;
    for (std::size_t i = 0; i <= limits::inputs; ++i) {
        ids += std::string{ids.empty() ? "" : ","} + R"("a")";
    }
    client.submit("2", "inputs", "own", R"(,"inputs":[)" + ids + "]");
    const Value many = client.next("error", "2");
    CHECK(many.text_at("code") == "bad_value");
    CHECK(many.integer_at("limit") == limits::inputs);
    client.submit("3", "inputs", "own", R"(,"inputs":"a")");
    CHECK(client.next("error", "3").text_at("field") == "inputs");
    client.submit("4", "inputs", "own", R"(,"inputs":[])");
    CHECK(client.result("4").text_at("payload") == "own");
    client.send(
        R"({"op":"submit_many","ids":["5","6"],"payloads":["p","q"],"handler":"inputs","inputs":["a","a"]})");
    CHECK(client.result("5").text_at("payload") == "p\nalpha\nalpha");
    CHECK(client.result("6").text_at("payload") == "q\nalpha\nalpha");
    client.send(R"({"op":"drop","id":"a"})");
    client.submit("7", "inputs", "own", R"(,"inputs":["a"])");
    CHECK(client.next("error", "7").text_at("code") == "not_found");
}

}  // namespace jobmill::tests
