// SPDX-License-Identifier: MIT
#include <string>

#include <doctest/doctest.h>

#include "common/json_lines.hpp"
#include "common/limits.hpp"
#include "common/msgpack.hpp"
#include "jobmill/error_code.hpp"
#include "tests/golden/samples.hpp"

using namespace jobmill;

namespace {

/// The refusal as the line that the daemon would answer.
std::string refusal(std::string_view line)
{
    JsonDecoder decoder;
    const auto request = decoder.decode(line);
    if (request) {
        return "accepted";
    }
    Bytes answer;
    ErrorMessage message{.tag = Tag{}, .error = request.error().error};
    encode_line(Reply{message}, request.error().id, answer);
    std::string text{text_of(answer)};
    text.pop_back();
    return text;
}

ErrorReply error_of(std::string_view line)
{
    JsonDecoder decoder;
    const auto request = decoder.decode(line);
    REQUIRE_FALSE(request.has_value());
    return request.error().error;
}

std::string submit_with(std::string_view members)
{
    return R"({"op":"submit","id":"a","handler":"sum")" + std::string{members} + "}";
}

Value args_of(std::string_view line)
{
    JsonDecoder decoder;
    const auto request = decoder.decode(line);
    REQUIRE(request.has_value());
    const auto value = msgpack::decode(std::get<Submit>(request->request).options.args);
    REQUIRE(value.has_value());
    return *value;
}

}  // namespace

TEST_CASE("a request means the same in JSON as in binary")
{
    JsonDecoder decoder;
    for (const test::Sample& sample : test::samples()) {
        const auto* expected = std::get_if<Request>(&sample.message);
        if (expected == nullptr || sample.json.empty()) {
            continue;
        }
        CAPTURE(sample.name);
        auto request = decoder.decode(sample.json);
        REQUIRE_MESSAGE(request.has_value(), request.error().error.text);
        CHECK(request->id == (sample.name == "hello" ? "" : "7"));
        test::set_tag(request->request, Tag{7});
        CHECK(test::encoded(request->request) == test::encoded(*expected));
    }
}

TEST_CASE("the id is read as it was written, escapes resolved")
{
    JsonDecoder decoder;
    CHECK(decoder.decode(R"({"op":"ping","id":"caf\u00e9 \"1\""})")->id == "caf\xc3\xa9 \"1\"");
    CHECK(decoder.decode(R"({"op":"ping"})")->id.empty());
}

TEST_CASE("white space around and inside a line means nothing")
{
    JsonDecoder decoder;
    CHECK(decoder.decode(" \t{ \"op\" : \"ping\" , \"id\" : \"a\" }\r").has_value());
}

TEST_CASE("errors say what was wrong and where")
{
    CHECK(refusal(R"({"op":"submit","id":7})") ==
          R"({"op":"error","code":"wrong_type","field":"id","text":"want a string"})");
    CHECK(refusal(R"({"op":)") ==
          R"({"op":"error","code":"bad_json","offset":6,"text":"unexpected end of line"})");
    CHECK(refusal("[1]") ==
          R"({"op":"error","code":"bad_json","offset":0,"text":"want an object"})");
    CHECK(refusal(" 7") ==
          R"({"op":"error","code":"bad_json","offset":1,"text":"want an object"})");
    CHECK(refusal(R"({"op":"sumbit","id":"a"})") ==
          R"({"op":"error","id":"a","code":"unknown_op","field":"op",)"
          R"("text":"no message \"sumbit\"; did you mean \"submit\"?"})");
    CHECK(refusal(submit_with(R"(,"lable":"x")")) ==
          R"({"op":"error","id":"a","code":"unknown_option","field":"lable",)"
          R"("text":"no option \"lable\"; did you mean \"label\"?"})");
    CHECK(refusal(R"({"id":"a"})") ==
          R"({"op":"error","id":"a","code":"missing_field","field":"op",)"
          R"("text":"want the name of a message"})");
}

TEST_CASE("a line that is not JSON is refused wherever it is cut")
{
    const std::string line = submit_with(R"(,"args":{"a":[1.5,true]},"payload":"\u00e9")");
    for (std::size_t size = 0; size < line.size(); ++size) {
        CAPTURE(size);
        const ErrorReply error = error_of(std::string_view{line}.substr(0, size));
        CHECK(error.code == error_code::bad_json);
        CHECK(error.offset == size);
    }
}

TEST_CASE("text that is not UTF-8, raw or escaped, is refused")
{
    const ErrorReply raw = error_of("{\"op\":\"ping\",\"payload\":\"\xff\"}");
    CHECK(raw.code == error_code::not_utf8);
    CHECK(raw.offset == 24);
    for (const char* half : {R"(\ud800)", R"(\udc00)", R"(\uD800x)", R"(\ud800\ud800)"}) {
        const ErrorReply error =
            error_of(std::string{R"({"op":"ping","payload":")"} + half + "\"}");
        CHECK(error.code == error_code::bad_json);
        CHECK(error.offset == 24);
    }
    CHECK(refusal(R"({"op":"ping","payload":"\ud83d\ude00"})") == "accepted");
}

TEST_CASE("nesting is allowed to the limit and refused with it beyond")
{
    const auto line = [](std::size_t lists) {
        return R"({"op":"ping","x":)" + std::string(lists, '[') + "1" + std::string(lists, ']') +
               "}";
    };
    CHECK(refusal(line(limits::depth - 1)) == "accepted");
    const ErrorReply error = error_of(line(limits::depth));
    CHECK(error.code == error_code::too_deep);
    CHECK(error.limit == limits::depth);
    CHECK(error_of(line(100'000)).code == error_code::too_deep);
}

TEST_CASE("a member that is given twice is refused, at any depth")
{
    for (const auto& each : {std::pair{std::string{R"({"op":"ping","op":"ping"})"}, "op"},
                             {R"({"op":"ping","id":"a","id":"b"})", "id"},
                             {submit_with(R"(,"payload":"1","payload":"2")"), "payload"},
                             {submit_with(R"(,"args":{"a":1,"b":{"c":1,"c":2}})"), "c"},
                             {submit_with(R"(,"args":{"a":[{"x":1,"y":2,"x":3}]})"), "x"}}) {
        CAPTURE(each.first);
        const ErrorReply error = error_of(each.first);
        CHECK(error.code == error_code::bad_value);
        CHECK(error.field == each.second);
    }
}

TEST_CASE("unknown members are ignored except where they may spare or cost a job something")
{
    for (const char* op : {"hello", "status", "handlers", "ping"}) {
        CHECK(refusal(R"({"op":")" + std::string{op} + R"(","new":[{}]})") == "accepted");
    }
    CHECK(error_of(R"({"op":"cancel","id":"a","new":1})").code == error_code::unknown_option);
    CHECK(refusal(R"({"op":"wait","id":"a","job":"1","new":1})") == "accepted");
    CHECK(refusal(R"({"op":"piece","id":"a","payload":"","new":1})") == "accepted");
    CHECK(error_of(submit_with(R"(,"new":1)")).code == error_code::unknown_option);
}

TEST_CASE("members of a wrong type are refused by their names")
{
    for (const char* name : {"pool", "label", "args", "detached", "started", "progress", "payload",
                             "payload_b64", "size", "more"}) {
        CAPTURE(name);
        const ErrorReply error = error_of(submit_with(",\"" + std::string{name} + "\":[1]"));
        CHECK(error.code == error_code::wrong_type);
        CHECK(error.field == name);
    }
    CHECK(error_of(R"({"op":"submit","id":"a","handler":null})").field == "handler");
    CHECK(error_of(R"({"op":7})").field == "op");
    CHECK(error_of(R"({"op":"hello","min_version":"1"})").field == "min_version");
    CHECK(error_of(R"({"op":"status","jobs":"1"})").field == "jobs");
    CHECK(error_of(R"({"op":"status","jobs":[1]})").field == "jobs");
    CHECK(error_of(R"({"op":"cancel","all":1})").field == "all");
}

TEST_CASE("numbers out of their range are refused with the limit")
{
    for (const char* number : {"65536", "-1", "1.5", "1e3", "18446744073709551615"}) {
        CAPTURE(number);
        const ErrorReply error =
            error_of(R"({"op":"hello","max_version":)" + std::string{number} + "}");
        CHECK(error.code == error_code::bad_value);
        CHECK(error.limit == 65535);
    }
    CHECK(error_of(R"({"op":"hello","max_version":1e999})").code == error_code::bad_json);
}

TEST_CASE("job numbers are strings of digits")
{
    CHECK(refusal(R"({"op":"cancel","job":"18446744073709551615"})") == "accepted");
    for (const char* job : {"", "x", "1x", "-1", " 1", "+1", "18446744073709551616"}) {
        CAPTURE(job);
        const ErrorReply error = error_of(R"({"op":"cancel","job":")" + std::string{job} + "\"}");
        CHECK(error.code == error_code::bad_value);
        CHECK(error.field == "job");
    }
    const ErrorReply number = error_of(R"({"op":"cancel","job":121})");
    CHECK(number.code == error_code::wrong_type);
    CHECK(number.text == "want a string of digits");
}

TEST_CASE("what a request needs and lacks is named")
{
    CHECK(error_of(R"({"op":"submit","handler":"sum"})").field == "id");
    CHECK(error_of(R"({"op":"submit","id":"a"})").field == "handler");
    CHECK(error_of(R"({"op":"piece","payload":"x"})").field == "id");
    CHECK(error_of(R"({"op":"piece","id":"a"})").field == "payload_b64");
    CHECK(error_of(R"({"op":"wait","job":"1"})").field == "id");
    CHECK(error_of(R"({"op":"wait","id":"a"})").field == "job");
    CHECK(error_of(R"({"op":"cancel"})").text == "want id, job, all, batch, label or session");
    CHECK(error_of(R"({"op":"cancel","all":false})").code == error_code::missing_field);
    CHECK(error_of(submit_with(R"(,"more":true)")).field == "size");
    CHECK(error_of(R"({"op":"ping","id":""})").code == error_code::bad_value);
}

TEST_CASE("a cancel means one thing")
{
    CHECK(error_of(R"({"op":"cancel","job":"1","all":true})").field == "all");
}

TEST_CASE("names and ids above the limit are refused with it")
{
    const std::string name(limits::name + 1, 'x');
    for (const char* field : {"id", "pool", "handler", "label"}) {
        const ErrorReply error =
            error_of(R"({"op":"submit",")" + std::string{field} + "\":\"" + name + "\"}");
        if (std::string_view{field} == "id") {
            CHECK(error.limit == limits::name);
        }
    }
    for (const char* field : {"pool", "label"}) {
        const ErrorReply error =
            error_of(submit_with(",\"" + std::string{field} + "\":\"" + name + "\""));
        CHECK(error.code == error_code::bad_value);
        CHECK(error.field == field);
        CHECK(error.limit == limits::name);
    }
    CHECK(refusal(R"({"op":"ping","id":")" + name.substr(1) + "\"}") == "accepted");
}

TEST_CASE("a payload has one spelling and stays below the limit")
{
    CHECK(error_of(submit_with(R"(,"payload":"a","payload_b64":"YQ==")")).text ==
          "payload and payload_b64 exclude each other");
    CHECK(error_of(submit_with(R"(,"payload_b64":"YQ")")).text == "not base64");
    const std::string most(limits::inline_payload, 'x');
    CHECK(refusal(submit_with(",\"payload\":\"" + most + "\"")) == "accepted");
    const ErrorReply error = error_of(submit_with(",\"payload\":\"x" + most + "\""));
    CHECK(error.code == error_code::bad_value);
    CHECK(error.field == "payload");
    CHECK(error.limit == limits::inline_payload);
    CHECK(error_of(R"({"op":"ping","payload":")" + most + "\"}").limit == limits::ping_payload);
}

TEST_CASE("a declared size is compared with the payload that came")
{
    CHECK(refusal(submit_with(R"(,"payload":"abc","size":3)")) == "accepted");
    CHECK(error_of(submit_with(R"(,"payload":"abc","size":4)")).field == "size");
    CHECK(error_of(submit_with(R"(,"payload":"abc","size":3,"more":true)")).field == "size");
    CHECK(refusal(submit_with(R"(,"size":4,"more":true)")) == "accepted");
}

TEST_CASE("arguments become MessagePack with every type and order kept")
{
    const Value expected{Map{
        {"z", Value{1}},
        {"a", Value{Map{{"nothing", Value{}},
                        {"list", Value{Array{Value{true}, Value{-5}, Value{0.25},
                                             Value{"caf\xc3\xa9"}, Value{Array{}}}}}}}},
        {"big", Value{std::int64_t{9223372036854775807}}},
    }};
    CHECK(args_of(submit_with(R"(,"args":{"z":1,"a":{"nothing":null,"list":[true,-5,0.25,)"
                              R"("caf\u00e9",[]]},"big":9223372036854775807})")) == expected);
    CHECK(args_of(submit_with(R"(,"args":{})")) == Value{Map{}});
    std::string many = "0";
    for (int i = 0; i < 20'000; ++i) {
        many += ",0";
    }
    CHECK(args_of(submit_with(",\"args\":{\"n\":[" + many + "]}")).find("n")->array()->size() ==
          20'001);
}

TEST_CASE("arguments that cannot be said to a worker are refused")
{
    const ErrorReply big = error_of(submit_with(R"(,"args":{"n":9223372036854775808})"));
    CHECK(big.code == error_code::bad_value);
    CHECK(big.field == "args");
    const ErrorReply large =
        error_of(submit_with(R"(,"args":{"n":")" + std::string(limits::meta, 'x') + "\"}"));
    CHECK(large.code == error_code::bad_value);
    CHECK(large.field == "args");
    CHECK(large.limit == limits::meta);
}

TEST_CASE("a refused line does not spoil the next")
{
    JsonDecoder decoder;
    const std::string good = submit_with(R"(,"payload_b64":"YQ==","args":{"a":1})");
    for (const auto& bad : {std::string{"{"}, submit_with(R"(,"payload":"x","size":9)"),
                            std::string(200'000, '['), std::string{"\xff"}}) {
        CHECK_FALSE(decoder.decode(bad).has_value());
        const auto request = decoder.decode(good);
        REQUIRE(request.has_value());
        CHECK(text_of(std::get<Submit>(request->request).payload) == "a");
    }
}

TEST_CASE("the longest line is read, and a longer one refused")
{
    JsonDecoder decoder;
    std::string line = R"({"op":"ping","x":")";
    line += std::string(limits::frame - line.size() - 2, 'x') + "\"}";
    CHECK(decoder.decode(line).has_value());
    line += " ";
    const auto refused = decoder.decode(line);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().error.code == error_code::too_long);
    CHECK(refused.error().error.limit == limits::frame);
}

TEST_CASE("a line of members without end is judged in time")
{
    std::string line = R"({"op":"ping")";
    for (int i = 0; line.size() < limits::frame - 20; ++i) {
        line += ",\"" + std::to_string(i) + "\":0";
    }
    CHECK(refusal(line + "}") == "accepted");
}

TEST_CASE("what a client wrote comes back in an error, but not all of it")
{
    const std::string key(100'000, 'k');
    CHECK(refusal(submit_with(",\"" + key + "\":1")).size() < 1000);
    CHECK(refusal(R"({"op":")" + key + "\"}").size() < 1000);
}
