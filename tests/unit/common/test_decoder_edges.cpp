// SPDX-License-Identifier: MIT
// Corners of the decoders that an honest client hardly ever comes to.
#include <string>

#include <doctest/doctest.h>

#include "common/codec.hpp"
#include "common/json_lines.hpp"
#include "common/json_scan.hpp"
#include "common/limits.hpp"
#include "common/msgpack.hpp"
#include "common/option_table.hpp"

using namespace jobmill;

namespace {

ErrorReply refused(std::string_view line)
{
    JsonDecoder decoder;
    const auto request = decoder.decode(line);
    REQUIRE_FALSE(request.has_value());
    return request.error().error;
}

std::string line_of(Value body)
{
    Bytes bytes;
    encode_line(StatusReply{.tag = {}, .body = std::move(body)}, "a", bytes);
    return std::string{text_of(bytes)};
}

Bytes bytes_from(std::initializer_list<int> codes)
{
    Bytes bytes;
    for (const int code : codes) {
        bytes.push_back(static_cast<std::byte>(code));
    }
    return bytes;
}

}  // namespace

TEST_CASE("a status of more jobs than one may ask for is refused, in both spellings")
{
    std::string list = "\"1\"";
    StatusRequest status;
    status.jobs.push_back(JobId{1});
    for (std::size_t i = 1; i <= limits::status_jobs; ++i) {
        list += ",\"1\"";
        status.jobs.push_back(JobId{1});
    }
    const ErrorReply json = refused(R"({"op":"status","jobs":[)" + list + "]}");
    CHECK(json.field == "jobs");
    CHECK(json.limit == limits::status_jobs);

    Bytes bytes;
    encode(status, bytes);
    FrameSplitter splitter{Link::client, Direction::to_daemon};
    splitter.feed(bytes);
    const auto binary = decode_request(**splitter.next());
    REQUIRE_FALSE(binary.has_value());
    CHECK(binary.error().field == "jobs");
    CHECK(binary.error().limit == limits::status_jobs);
}

TEST_CASE("a piece or a ping whose payload is no text is refused by name")
{
    CHECK(refused(R"({"op":"piece","id":"a","payload":1})").field == "payload");
    CHECK(refused(R"({"op":"piece","id":"a","payload":"x","more":1})").field == "more");
    CHECK(refused(R"({"op":"ping","payload":1})").field == "payload");
}

TEST_CASE("a log level that is no text is refused by name")
{
    CHECK(refused(R"({"op":"log_level","level":1})").field == "level");
}

TEST_CASE("who opens a handler in JSON is told that there is no need")
{
    const ErrorReply error = refused(R"({"op":"open","handler":"sum"})");
    CHECK(error.code == error_code::unknown_op);
    CHECK(error.text.find("in each submit") != std::string::npos);
}

TEST_CASE("a decoder that is moved still decodes")
{
    JsonDecoder first;
    JsonDecoder second{std::move(first)};
    first = std::move(second);
    CHECK(first.decode(R"({"op":"ping"})").has_value());
}

TEST_CASE("a list of jobs that holds something else is written as it is")
{
    CHECK(line_of(Value{Map{{"jobs", Value{Array{Value{7}}}}}}).find("[7]") != std::string::npos);
}

TEST_CASE("a document that is too long for a line is replaced by an error")
{
    const Value text{std::string(limits::frame, 'x')};
    CHECK(line_of(Value{Map{{"note", text}}}).find("too_large") != std::string::npos);
    CHECK(line_of(Value{Map{{"jobs", Value{Array{text}}}}}).find("\"more_jobs\":1") !=
          std::string::npos);
}

TEST_CASE("half of a pair of surrogates is no character, whatever follows")
{
    CHECK(find_json_fault(R"(["\ud83d\u00zz"])").has_value());
    CHECK(find_json_fault(R"(["\ud83dx"])").has_value());
    CHECK_FALSE(find_json_fault(R"(["\ud83d\ude00"])").has_value());
}

TEST_CASE("short texts and bytes may be written with a width of their own")
{
    const Bytes text = bytes_from({0xd9, 2, 'a', 'b'});
    CHECK(msgpack::Reader{text}.text() == "ab");
    const Bytes few = bytes_from({0xc4, 1, 7});
    CHECK(msgpack::Reader{few}.skip()->size() == 3);
    const Bytes more = bytes_from({0xc5, 0, 2, 7, 8});
    CHECK(msgpack::Reader{more}.skip()->size() == 5);
    const Bytes cut = bytes_from({0xc4, 9, 7});
    CHECK_FALSE(msgpack::Reader{cut}.skip().has_value());
}

TEST_CASE("an adjustment is judged before it is sent")
{
    CHECK(options::check(AdjustRequest{.pool = "a", .max_running = 1, .weight = 100}).has_value());
    CHECK(options::check(AdjustRequest{.pool = "a", .weight = 0}).error().field == "weight");
    CHECK(options::check(AdjustRequest{.pool = "a", .max_running = 0}).error().field ==
          "max_running");
}
