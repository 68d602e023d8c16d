// SPDX-License-Identifier: MIT
#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

struct BadLine {
    std::string line;
    const char* code;
    const char* field;
};

std::string submit_with(const std::string& members)
{
    return R"({"op":"submit","id":"x","handler":"echo")" + members + "}";
}

std::string nested(std::size_t levels)
{
    return R"({"op":"ping","x":)" + std::string(levels, '[') + std::string(levels, ']') + "}";
}

std::vector<BadLine> bad_lines()
{
    const std::string long_name(129, 'n');
    return {
        {R"({"op":"ping")", "bad_json", ""},
        {"nonsense", "bad_json", ""},
        {R"([{"op":"ping"}])", "bad_json", ""},
        {R"("ping")", "bad_json", ""},
        {R"({"op":"ping"} {"op":"ping"})", "bad_json", ""},
        {"{\"op\":\"ping\",\"id\":\"a\tb\"}", "bad_json", ""},
        {nested(17), "too_deep", ""},
        {nested(100'000), "too_deep", ""},
        {"{\"op\":\"ping\",\"id\":\"\xff\"}", "not_utf8", ""},
        {"{\"op\":\"ping\",\"id\":\"\xed\xa0\x80\"}", "not_utf8", ""},
        {"{}", "missing_field", "op"},
        {R"({"op":7})", "wrong_type", "op"},
        {R"({"op":"fly"})", "unknown_op", "op"},
        {R"({"op":"open","id":"1"})", "unknown_op", "op"},
        {R"({"op":"ping","id":7})", "wrong_type", "id"},
        {R"({"op":"ping","id":""})", "bad_value", "id"},
        {R"({"op":"ping","id":")" + long_name + "\"}", "bad_value", "id"},
        {R"({"op":"ping","payload":")" + std::string(1025, 'p') + "\"}", "bad_value", "payload"},
        {R"({"op":"hello","min_version":"1"})", "wrong_type", "min_version"},
        {R"({"op":"submit","handler":"echo"})", "missing_field", "id"},
        {R"({"op":"submit","id":"x"})", "missing_field", "handler"},
        {R"({"op":"submit","id":"x","handler":5})", "wrong_type", "handler"},
        {R"({"op":"submit","id":"x","handler":"ecco"})", "unknown_handler", "handler"},
        {submit_with(R"(,"pool":"deflaut")"), "unknown_pool", "pool"},
        {submit_with(R"(,"timeout":5)"), "unknown_option", "timeout"},
        {submit_with(R"(,"label":")" + long_name + "\""), "bad_value", "label"},
        {submit_with(R"(,"args":[])"), "wrong_type", "args"},
        {submit_with(R"(,"detached":"yes")"), "wrong_type", "detached"},
        {submit_with(R"(,"started":1)"), "wrong_type", "started"},
        {submit_with(R"(,"payload":5)"), "wrong_type", "payload"},
        {submit_with(R"(,"payload_b64":"*")"), "bad_value", "payload_b64"},
        {submit_with(R"(,"payload":"a","payload_b64":"YQ==")"), "bad_value", "payload_b64"},
        {submit_with(R"(,"payload":"abc","size":4)"), "bad_value", "size"},
        {submit_with(R"(,"payload":"abc","more":true)"), "missing_field", "size"},
        {submit_with(R"(,"size":-1)"), "bad_value", "size"},
        {submit_with(R"(,"size":1e300)"), "bad_value", "size"},
        {submit_with(R"(,"label":"a","label":"b")"), "bad_value", "label"},
        {submit_with(R"(,"payload":")" + std::string(65537, 'p') + "\""), "bad_value", "payload"},
        {R"({"op":"piece","id":"nobody","payload":"x"})", "not_found", "id"},
        {R"({"op":"piece","id":"nobody"})", "missing_field", "payload_b64"},
        {R"({"op":"cancel"})", "missing_field", "id"},
        {R"({"op":"cancel","id":"nobody"})", "not_found", ""},
        {R"({"op":"cancel","job":5})", "wrong_type", "job"},
        {R"({"op":"cancel","job":"5x"})", "bad_value", "job"},
        {R"({"op":"cancel","job":"5","all":true})", "bad_value", "all"},
        {R"({"op":"wait","id":"w"})", "missing_field", "job"},
        {R"({"op":"wait","id":"w","job":"12345678"})", "not_found", "job"},
        {R"({"op":"status","jobs":"all"})", "wrong_type", "jobs"},
        {R"({"op":"status","jobs":[1]})", "wrong_type", "jobs"},
    };
}

/// The error that ends a session; nothing follows it.
Value last_words(JsonClient& client)
{
    const Value error = client.next("error");
    CHECK(client.rest().empty());
    return error;
}

}  // namespace

TEST_CASE("a line that cannot be followed is answered with its error and the session goes on")
{
    const Daemon daemon{pool_config(2)};
    JsonClient healthy = daemon.json();
    healthy.submit("beside", "until_cancelled");
    (void)healthy.next("chunk", "beside");
    JsonClient client = daemon.json();
    client.ping();
    for (const BadLine& bad : bad_lines()) {
        CAPTURE(bad.line.substr(0, 100));
        client.send(bad.line);
        const Value error = client.next("error");
        CHECK(error.text_at("code") == bad.code);
        CHECK(error.text_at("field") == bad.field);
        client.submit("after", "sum", "10");
        CHECK(client.result("after").text_at("payload") == "55");
        healthy.ping();
    }
    healthy.send(R"({"op":"cancel","id":"beside"})");
    CHECK(healthy.result("beside").text_at("payload") == "stopped");
}

TEST_CASE("a misspelt name is answered with the one that was meant")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("x", "ecco");
    CHECK(client.next("error").text_at("text").find("\"echo\"") != std::string::npos);
    client.send(R"({"op":"sumbit"})");
    CHECK(client.next("error").text_at("text").find("\"submit\"") != std::string::npos);
}

TEST_CASE("bytes of neither spelling are answered with one error and the end")
{
    const Daemon daemon{pool_config(1)};
    for (const std::string& first :
         {std::string{"GET / HTTP/1.1\r\n\r\n"}, std::string{"\0\0\0\0", 4}, std::string{"\x8fX"},
          std::string{"\xff"}}) {
        JsonClient client = daemon.json();
        client.raw().send(first);
        CHECK(last_words(client).text_at("code") == "bad_preamble");
        daemon.check_healthy();
    }
}

TEST_CASE("a preamble that ends in the middle is answered")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.raw().send("\x8fJOB");
    client.raw().end_output();
    CHECK(last_words(client).text_at("code") == "bad_preamble");
}

TEST_CASE("a version that nobody speaks is refused with the one that is spoken")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.send(R"({"op":"hello","min_version":2,"max_version":9})");
    const Value error = last_words(client);
    CHECK(error.text_at("code") == "bad_version");
    CHECK(error.text_at("text").find("version 1") != std::string::npos);
}

TEST_CASE("a line above the limit is refused with the limit and the session ends")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    const std::string line(262'144, ' ');
    client.raw().send(line);
    const Value error = last_words(client);
    CHECK(error.text_at("code") == "too_long");
    CHECK(error.integer_at("limit") == 262'144);
    daemon.check_healthy();
}

TEST_CASE("a line just below the limit is taken")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    std::string line = R"({"op":"ping","id":"a","x":")";
    line += std::string(262'144 - line.size() - 3, 'x') + "\"}\n";
    REQUIRE(line.size() == 262'144);
    client.raw().send(line);
    (void)client.next("pong", "a");
}

TEST_CASE("a tag of an unfinished job is refused and the job goes on")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("a", "until_cancelled");
    (void)client.next("chunk", "a");
    client.submit("a", "echo");
    CHECK(client.next("error", "a").text_at("code") == "duplicate_id");
    client.send(R"({"op":"cancel","id":"a"})");
    CHECK(client.result("a").text_at("payload") == "stopped");
    client.submit("a", "echo", "again");
    CHECK(client.result("a").text_at("payload") == "again");
}

TEST_CASE("pieces that do not add up refuse their submit and the session goes on")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    const std::string begin =
        R"({"op":"submit","id":"p","handler":"echo","size":6,"more":true,"payload":"ab"})";
    const std::string tail = R"({"op":"piece","id":"p","payload":)";
    for (const std::string& pieces : {tail + R"("c"})", tail + R"("cdefg"})",
                                      tail + R"("cdefg","more":true})" + "\n" + tail + R"("h"})"}) {
        CAPTURE(pieces);
        client.send(begin + "\n" + pieces);
        CHECK(client.next("error", "p").text_at("code") == "bad_value");
        client.ping();
    }
    client.send(begin + "\n" + tail + R"("cd","more":true})" + "\n" + tail + R"("ef"})");
    CHECK(client.result("p").text_at("payload") == "abcdef");
}

TEST_CASE("a submit cancelled before its payload is whole is answered")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.send(R"({"op":"submit","id":"p","handler":"echo","size":6,"more":true})");
    client.send(R"({"op":"cancel","id":"p"})");
    CHECK(client.next("error", "p").text_at("code") == "not_found");
    client.send(R"({"op":"piece","id":"p","payload":"abcdef"})");
    client.submit("p", "sum", "10");
    CHECK(client.result("p").text_at("payload") == "55");
}

TEST_CASE("a payload above the configured limit is refused and its pieces are swallowed")
{
    const Daemon daemon{pool_config(1, "max_payload = \"1 MiB\"")};
    JsonClient client = daemon.json();
    client.send(R"({"op":"submit","id":"p","handler":"echo","size":1048577,"more":true})");
    const Value error = client.next("error", "p");
    CHECK(error.text_at("code") == "too_large");
    CHECK(error.integer_at("limit") == 1'048'576);
    for (int i = 0; i < 17; ++i) {
        client.send(R"({"op":"piece","id":"p","payload":")" + std::string(65'536, 'p') +
                    R"(","more":)" + (i < 16 ? "true}" : "false}"));
    }
    client.submit("p", "sum", "10");
    CHECK(client.result("p").text_at("payload") == "55");
}

TEST_CASE("half a line and then silence ends in a timeout")
{
    const Daemon daemon{pool_config(1, "frame_timeout = \"200ms\"")};
    JsonClient idle = daemon.json();
    idle.ping();
    JsonClient client = daemon.json();
    client.raw().send(R"({"op":"pi)");
    CHECK(last_words(client).text_at("code") == "timeout");
    // Who is silent between his lines may be so for ever.
    idle.ping();
}

}  // namespace jobmill::tests
