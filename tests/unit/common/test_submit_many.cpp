// SPDX-License-Identifier: MIT
// Many jobs in one message: every count and size is judged, in both spellings.
#include <string>

#include <doctest/doctest.h>

#include "common/codec.hpp"
#include "common/json_lines.hpp"
#include "common/limits.hpp"
#include "common/msgpack.hpp"

using namespace jobmill;

namespace {

struct Numbers {
    std::uint64_t id = 7;
    std::uint32_t count = 0;
    bool more = false;
};

/// Payloads as they are written, whatever the numbers say.
Bytes frame_of(const Numbers& numbers, const Bytes& payload)
{
    Bytes bytes;
    FrameWriter frame{bytes, MessageType::submit_many, numbers.id};
    frame.field(std::uint32_t{3}).field(numbers.count);
    frame.payload(payload).more(numbers.more).finish();
    return bytes;
}

Bytes payload_of(std::uint32_t size, std::string_view text)
{
    Bytes bytes;
    append_number(bytes, size);
    append(bytes, text);
    return bytes;
}

/// The error's field, and "accepted" otherwise; borrows nothing.
ErrorReply refusal(const Bytes& bytes)
{
    FrameSplitter splitter{Link::client, Direction::to_daemon};
    splitter.feed(bytes);
    const auto request = decode_request(**splitter.next());
    return request ? ErrorReply{.code = "accepted"} : request.error();
}

ErrorReply refusal(const std::string& line)
{
    JsonDecoder decoder;
    const auto request = decoder.decode(line);
    return request ? ErrorReply{.code = "accepted"} : request.error().error;
}

std::string line_with(const std::string& members)
{
    return R"({"op":"submit_many","handler":"sum",)" + members + "}";
}

/// ["x","x",...] or ["0","1",...]
std::string list_of(std::size_t count, bool numbered)
{
    std::string list = "[";
    for (std::size_t i = 0; i < count; ++i) {
        list += i == 0 ? "\"" : ",\"";
        list += numbered ? std::to_string(i) + "\"" : "x\"";
    }
    return list + "]";
}

}  // namespace

TEST_CASE("the payloads of many jobs are borrowed from the frame, in order")
{
    SubmitMany many;
    many.first = Tag{40};
    many.options.handler = "sum";
    many.payloads = {bytes_of("a"), bytes_of(""), bytes_of("bc")};
    Bytes bytes;
    encode(many, bytes);
    FrameSplitter splitter{Link::client, Direction::to_daemon};
    splitter.feed(bytes);
    const auto request = decode_request(**splitter.next());
    REQUIRE(request.has_value());
    const auto& back = std::get<SubmitMany>(*request);
    CHECK(back.first == Tag{40});
    CHECK(back.options.handler == "sum");
    REQUIRE(back.payloads.size() == 3);
    CHECK(text_of(back.payloads[0]) == "a");
    CHECK(back.payloads[1].empty());
    CHECK(text_of(back.payloads[2]) == "bc");
}

TEST_CASE("a count of payloads that is 0 or above the limit is refused with it")
{
    CHECK(refusal(frame_of({.count = 0}, {})).field == "count");
    const ErrorReply error = refusal(frame_of({.count = limits::submit_many + 1}, {}));
    CHECK(error.code == error_code::bad_value);
    CHECK(error.field == "count");
    CHECK(error.limit == limits::submit_many);
    CHECK(refusal(frame_of({.count = UINT32_MAX}, {})).field == "count");
}

TEST_CASE("as many payloads as counted must be there, and no more")
{
    const Bytes one = payload_of(3, "100");
    CHECK(refusal(frame_of({.count = 1}, one)).code == "accepted");
    CHECK(refusal(frame_of({.count = 2}, one)).field == "payload");
    CHECK(refusal(frame_of({.count = 1}, {})).field == "payload");
    CHECK(refusal(frame_of({.count = 1}, payload_of(2, "100"))).field == "payload");
    CHECK(refusal(frame_of({.count = 1}, payload_of(4, "100"))).field == "payload");
    CHECK(refusal(frame_of({.count = limits::submit_many}, one)).field == "payload");
}

TEST_CASE("each payload is inline, or refused with the limit")
{
    const std::string most(limits::inline_payload, 'x');
    const auto size = static_cast<std::uint32_t>(most.size());
    CHECK(refusal(frame_of({.count = 1}, payload_of(size, most))).code == "accepted");
    const ErrorReply error = refusal(frame_of({.count = 1}, payload_of(size + 1, most + "x")));
    CHECK(error.field == "payload");
    CHECK(error.limit == limits::inline_payload);
    CHECK(refusal(frame_of({.count = 1}, payload_of(UINT32_MAX, "x"))).limit ==
          limits::inline_payload);
    CHECK(refusal(line_with(R"("ids":["a"],"payloads":[")" + most + "x\"]")).limit ==
          limits::inline_payload);
}

TEST_CASE("many jobs come whole, without pieces or descriptors")
{
    CHECK(refusal(frame_of({.count = 1, .more = true}, payload_of(0, ""))).field == "more");
    Bytes bytes;
    FrameWriter frame{bytes, MessageType::submit_many, 7};
    frame.zeros(8).descriptors(1).finish();
    CHECK(refusal(bytes).field == "descriptors");
}

TEST_CASE("the tags of many jobs stay within 64 bits")
{
    Bytes two = payload_of(0, "");
    append(two, ByteView{payload_of(0, "")});
    CHECK(refusal(frame_of({.id = UINT64_MAX - 1, .count = 2}, two)).code == "accepted");
    CHECK(refusal(frame_of({.id = UINT64_MAX, .count = 2}, two)).field == "id");
}

TEST_CASE("many jobs that are judged each say so by a bool")
{
    const auto frame_with = [](auto write_value, std::uint32_t count = 1) {
        Bytes bytes;
        FrameWriter frame{bytes, MessageType::submit_many, 7};
        frame.field(std::uint32_t{3}).field(count);
        msgpack::Writer writer{frame.begin_meta()};
        writer.map(1);
        writer.text("each");
        write_value(writer);
        frame.end_meta();
        for (std::uint32_t i = 0; i < count; ++i) {
            frame.payload(payload_of(0, ""));
        }
        frame.finish();
        return bytes;
    };
    const auto yes = [](auto& writer) { writer.boolean(true); };
    CHECK(refusal(frame_with(yes)).code == "accepted");
    CHECK(refusal(frame_with([](auto& writer) { writer.integer(1); })).field == "each");
    CHECK(refusal(line_with(R"("each":true,"ids":["a"],"payloads":["x"])")).code == "accepted");
    CHECK(refusal(line_with(R"("each":"yes","ids":["a"],"payloads":["x"])")).field == "each");

    // Each may be refused in words.
    CHECK(refusal(frame_with(yes, limits::submit_each)).code == "accepted");
    CHECK(refusal(frame_with(yes, limits::submit_each + 1)).limit == limits::submit_each);
    CHECK(refusal(frame_with([](auto& writer) { writer.boolean(false); }, limits::submit_each + 1))
              .code == "accepted");
    const auto line_of = [](std::size_t count) {
        return line_with("\"each\":true,\"ids\":" + list_of(count, true) +
                         ",\"payloads\":" + list_of(count, false));
    };
    CHECK(refusal(line_of(limits::submit_each)).code == "accepted");
    CHECK(refusal(line_of(limits::submit_each + 1)).limit == limits::submit_each);
}

TEST_CASE("a job is added to many that are encoded already")
{
    SubmitMany many{.first = Tag{7}, .handler_number = 3, .each = true, .options = {}};
    many.payloads = {bytes_of("a"), bytes_of("")};
    Bytes before{std::byte{1}, std::byte{2}};
    Bytes grown = before;
    encode(many, grown);
    add_to_submit_many(before.size(), bytes_of("bc"), grown);
    many.payloads.push_back(bytes_of("bc"));
    encode(many, before);
    CHECK(grown == before);
}

TEST_CASE("options of many jobs are judged as those of one")
{
    SubmitMany many;
    many.options.handler = "sum";
    many.options.job.edit().priority = 101;
    many.payloads = {ByteView{}};
    Bytes bytes;
    encode(many, bytes);
    CHECK(refusal(bytes).field == "priority");
    const std::string good = R"("ids":["a"],"payloads":["1"])";
    CHECK(refusal(line_with(good)).code == "accepted");
    CHECK(refusal(line_with(good + R"(,"priority":101)")).field == "priority");
    CHECK(refusal(line_with(good + R"(,"halt":"now,fail=1")")).field == "batch");
    CHECK(refusal(line_with(good + R"(,"args":{"a":1})")).code == "accepted");
    CHECK(refusal(line_with(good + R"(,"args":7)")).field == "args");
    for (const char* other : {"id", "payload", "payload_b64", "size", "more", "payloadz"}) {
        CAPTURE(other);
        const ErrorReply error = refusal(line_with(good + ",\"" + other + "\":\"x\""));
        CHECK(error.code == error_code::unknown_option);
        CHECK(error.field == other);
    }
}

TEST_CASE("ids of many jobs are as many as payloads, each once and within the limits")
{
    CHECK(refusal(line_with(R"("payloads":["1"])")).field == "ids");
    CHECK(refusal(line_with(R"("ids":["a"])")).field == "payloads");
    CHECK(refusal(line_with(R"("ids":["a","b"],"payloads":["1"])")).text == "1 payloads for 2 ids");
    CHECK(refusal(line_with(R"("ids":[],"payloads":[])")).text == "want at least one");
    CHECK(refusal(line_with(R"("ids":["a",""],"payloads":["1","2"])")).field == "ids");
    CHECK(refusal(line_with(R"("ids":["a",7],"payloads":["1","2"])")).code ==
          error_code::wrong_type);
    CHECK(refusal(line_with(R"("ids":"a","payloads":["1"])")).code == error_code::wrong_type);
    CHECK(refusal(line_with(R"("ids":["a"],"payloads":"1")")).code == error_code::wrong_type);
    CHECK(refusal(line_with(R"("ids":["a"],"payloads":[1])")).code == error_code::wrong_type);
    const ErrorReply twice = refusal(line_with(R"("ids":["a","b","a"],"payloads":["","",""])"));
    CHECK(twice.code == error_code::duplicate_id);
    CHECK(twice.text == "\"a\" is given twice");
    const std::string name(limits::name + 1, 'x');
    CHECK(refusal(line_with(R"("ids":[")" + name + R"("],"payloads":["1"])")).limit ==
          limits::name);
    CHECK(refusal(line_with("\"ids\":" + list_of(limits::submit_many, true) +
                            ",\"payloads\":" + list_of(limits::submit_many, false)))
              .code == "accepted");
    CHECK(refusal(line_with("\"ids\":" + list_of(limits::submit_many + 1, true) +
                            R"(,"payloads":["1"])"))
              .limit == limits::submit_many);
}

TEST_CASE("payloads of many jobs have one spelling")
{
    const std::string both = R"("ids":["a"],"payloads":["1"],"payloads_b64":["MQ=="])";
    CHECK(refusal(line_with(both)).text == "payloads and payloads_b64 exclude each other");
    CHECK(refusal(line_with(R"("ids":["a"],"payloads_b64":["MQ"])")).text == "not base64");
    JsonDecoder decoder;
    const auto request =
        decoder.decode(line_with(R"("ids":["a","b","c"],"payloads_b64":["MQ==","","AP+A"])"));
    REQUIRE(request.has_value());
    const auto& many = std::get<SubmitMany>(request->request);
    REQUIRE(many.payloads.size() == 3);
    CHECK(text_of(many.payloads[0]) == "1");
    CHECK(many.payloads[1].empty());
    CHECK(text_of(many.payloads[2]) == std::string_view{"\x00\xff\x80", 3});
    CHECK(many.ids == std::vector<std::string_view>{"a", "b", "c"});
}

TEST_CASE("what is wrong with many jobs is said under the id of the first")
{
    JsonDecoder decoder;
    CHECK(decoder.decode(line_with(R"("ids":["a","b"],"payloads":["",""])"))->id == "a");
    CHECK(decoder.decode(line_with(R"("ids":["a","b"],"payloads":[])")).error().id == "a");
    CHECK(decoder.decode(line_with(R"("ids":["a",""],"payloads":[])")).error().id == "a");
    CHECK(decoder.decode(line_with(R"("payloads":[])")).error().id.empty());
}
