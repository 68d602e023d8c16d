// SPDX-License-Identifier: MIT
// Names that would like to be something else: terminal codes, lines of a log, kilobytes.
#include "tests/e2e/e2e_daemon.hpp"
#include "tests/e2e/job_life.hpp"

namespace jobmill::tests {
namespace {

/// As JSON spells them.
const std::vector<std::string> hostile{
    R"(\u001b[2J\u001b]0;owned\u0007)",
    R"(a\n2026-01-01T00:00:00.000+00:00 error daemon \"broken\")",
    R"(\r\n{\"op\":\"result\",\"id\":\"x\"})",
    R"(\u0000hidden)",
    R"(\u202egnp.exe)",
    R"(\"\\\/<>&;$(reboot)`)",
};

/// Nothing that a terminal would obey.
bool harmless(std::string_view text)
{
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 0x20 && c != '\n') || byte == 0x7f) {
            return false;
        }
    }
    return true;
}

}  // namespace

TEST_CASE("a label comes back as it was, in one line, and stays out of the log's way")
{
    const Daemon daemon{pool_config(1, "log_level = \"debug\"")};
    for (const std::string& name : hostile) {
        CAPTURE(name);
        JsonClient client = daemon.json();
        begin(client, "a", "until_cancelled", "", ",\"label\":\"" + name + "\"");
        JsonClient asker = daemon.json();
        asker.send(R"({"op":"status","id":"s"})");
        const auto answer = asker.next();
        REQUIRE(answer);
        CHECK(answer->text_at("op") == "status");
        const Value expected = parse_json("{\"label\":\"" + name + "\"}");
        CHECK(answer->find("jobs")->array()->at(0).text_at("label") == expected.text_at("label"));
        client.send(R"({"op":"cancel","id":"a"})");
        CHECK(client.result("a").text_at("payload") == "stopped");
    }
    CHECK(harmless(daemon.log()));
    CHECK(daemon.log().find("\n2026-01-01T00:00:00") == std::string::npos);
}

TEST_CASE("names that are nobody's are told in the answer, escaped")
{
    const Daemon daemon{pool_config(1, "log_level = \"debug\"")};
    JsonClient client = daemon.json();
    for (const std::string& name : hostile) {
        CAPTURE(name);
        client.send(R"({"op":"submit","id":"a","handler":")" + name + "\"}");
        CHECK(client.next("error", "a").text_at("code") == "unknown_handler");
        client.send(R"({"op":"submit","id":"a","handler":"echo","pool":")" + name + "\"}");
        CHECK(client.next("error", "a").text_at("code") == "unknown_pool");
        client.send("{\"op\":\"" + name + R"(","id":"a"})");
        CHECK(client.next("error", "a").text_at("code") == "unknown_op");
        client.send(R"({"op":"submit","id":"a","handler":"echo",")" + name + "\":1}");
        CHECK(client.next("error", "a").text_at("code") == "unknown_option");
    }
    client.ping();
    CHECK(harmless(daemon.log()));
    CHECK(daemon.log().find("\n2026-01-01T00:00:00") == std::string::npos);
}

TEST_CASE("names of four kibibytes are refused with the limit")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    const std::string name(4096, 'n');
    for (const std::string member : {"label", "pool", "handler", "batch"}) {
        CAPTURE(member);
        std::string line = R"({"op":"submit","id":"a",)";
        line.append(member == "handler" ? "" : R"("handler":"echo",)");
        line.append("\"").append(member).append("\":\"").append(name).append("\"}");
        client.send(line);
        const Value error = client.next("error", "a");
        CHECK(error.text_at("code") == "bad_value");
        CHECK(error.text_at("field") == member);
        CHECK(error.integer_at("limit") == 128);
    }
    client.send(R"({"op":"ping","id":")" + name + "\"}");
    CHECK(client.next("error").text_at("code") == "bad_value");
    client.ping();
}

}  // namespace jobmill::tests
