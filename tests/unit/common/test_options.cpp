// SPDX-License-Identifier: MIT
// A job's options in both spellings: what they may be, and what is said when they are not.
#include <string>

#include <doctest/doctest.h>

#include "common/json_lines.hpp"
#include "common/msgpack.hpp"
#include "common/option_table.hpp"

using namespace jobmill;

namespace {

using Taken = tl::expected<JobOptions, ErrorReply>;

/// Borrows from `bytes`.
Taken from_binary(const Map& members, Bytes& bytes)
{
    Map all{{"handler", Value{"sum"}}};
    all.insert(all.end(), members.begin(), members.end());
    FrameWriter frame{bytes, MessageType::submit, 7};
    frame.zeros(find_message(MessageType::submit)->fixed);
    msgpack::Writer{frame.begin_meta()}.value(Value{all});
    frame.end_meta().finish();
    FrameSplitter splitter{Link::client, Direction::to_daemon};
    splitter.feed(bytes);
    const auto request = decode_request(**splitter.next());
    if (!request) {
        return tl::unexpected<ErrorReply>(request.error());
    }
    return std::get<Submit>(*request).options.job;
}

Taken from_json(JsonDecoder& decoder, const std::string& members)
{
    auto request = decoder.decode(R"({"op":"submit","id":"a","handler":"sum",)" + members + "}");
    if (!request) {
        return tl::unexpected<ErrorReply>(request.error().error);
    }
    return std::get<Submit>(request->request).options.job;
}

/// The same refusal in both spellings; of a number or a text.
ErrorReply refused(std::string_view name, const Value& value, const std::string& spelled)
{
    Bytes bytes;
    JsonDecoder decoder;
    const Taken binary = from_binary(Map{{std::string{name}, value}}, bytes);
    const Taken json = from_json(decoder, "\"" + std::string{name} + "\":" + spelled);
    REQUIRE_FALSE(binary.has_value());
    REQUIRE_FALSE(json.has_value());
    CHECK(binary.error() == json.error());
    CHECK(json.error().field == name);
    return json.error();
}

std::optional<std::int64_t> value_of(const JobOptions& options, const options::NumberOption& option)
{
    return std::visit(
        [&](auto member) -> std::optional<std::int64_t> {
            const auto& value = options.*member;
            return value ? std::optional{static_cast<std::int64_t>(*value)} : std::nullopt;
        },
        option.member);
}

std::string spelled(const options::NumberOption& option, std::int64_t value)
{
    const std::string digits = std::to_string(value);
    return option.range.spelled == options::Spelled::digits ? "\"" + digits + "\"" : digits;
}

}  // namespace

TEST_CASE("every number may be all of its range")
{
    for (const auto& option : options::numbers) {
        CAPTURE(option.range.name);
        for (const std::int64_t value : {option.range.least, option.range.most}) {
            Bytes bytes;
            JsonDecoder decoder;
            const std::string name{option.range.name};
            const Taken binary = from_binary(Map{{name, Value{value}}}, bytes);
            const Taken json = from_json(decoder, "\"" + name + "\":" + spelled(option, value));
            REQUIRE(binary.has_value());
            REQUIRE(json.has_value());
            CHECK(value_of(*binary, option) == value);
            CHECK(*json == *binary);
            CHECK(options::check(*binary).has_value());
        }
    }
}

TEST_CASE("a number beyond its range is refused by its name, with the limit that it broke")
{
    for (const auto& option : options::numbers) {
        CAPTURE(option.range.name);
        if (option.range.most < options::any) {
            const ErrorReply above = refused(option.range.name, Value{option.range.most + 1},
                                             spelled(option, option.range.most + 1));
            CHECK(above.code == error_code::bad_value);
            CHECK(above.limit == static_cast<std::uint64_t>(option.range.most));
        }
        if (option.range.spelled == options::Spelled::digits) {
            continue;  // no text of digits is below 0; a test of its own is below
        }
        const ErrorReply below = refused(option.range.name, Value{option.range.least - 1},
                                         spelled(option, option.range.least - 1));
        CHECK(below.code == error_code::bad_value);
        CHECK(below.limit == static_cast<std::uint64_t>(
                                 option.range.least < 0 ? option.range.most : option.range.least));
        CHECK(below.text.starts_with("want a whole number of "));
    }
}

TEST_CASE("0 never means unlimited: the word is spelled")
{
    for (const auto& option : options::numbers) {
        CAPTURE(option.range.name);
        if (option.range.spelled == options::Spelled::number_or_unlimited) {
            CHECK(refused(option.range.name, Value{0}, "0").limit == 1);
            CHECK(refused(option.range.name, Value{"infinite"}, "\"infinite\"").code ==
                  error_code::bad_value);
            JsonDecoder decoder;
            const Taken json =
                from_json(decoder, "\"" + std::string{option.range.name} + "\":\"unlimited\"");
            REQUIRE(json.has_value());
            CHECK(json.value().*
                      std::get<std::optional<std::uint64_t> JobOptions::*>(option.member) ==
                  unlimited);
            CHECK(options::check(*json).has_value());
        } else if (option.range.spelled == options::Spelled::number) {
            CHECK(refused(option.range.name, Value{"unlimited"}, "\"unlimited\"").code ==
                  error_code::wrong_type);
        }
    }
}

TEST_CASE("a number is a whole one and no other thing")
{
    for (const auto& option : options::numbers) {
        CAPTURE(option.range.name);
        const std::string member = "\"" + std::string{option.range.name} + "\":";
        JsonDecoder decoder;
        for (const char* thing : {"true", "null", "[1]", "{}"}) {
            CHECK(from_json(decoder, member + thing).error().code == error_code::wrong_type);
        }
        for (const Value& thing : {Value{true}, Value{}, Value{1.5}, Value{Array{}}}) {
            Bytes bytes;
            CHECK(from_binary(Map{{std::string{option.range.name}, thing}}, bytes).error().code ==
                  error_code::wrong_type);
        }
        if (option.range.spelled != options::Spelled::digits) {
            for (const char* number : {"1.5", "1e3", "18446744073709551615"}) {
                const ErrorReply error = from_json(decoder, member + number).error();
                CHECK(error.code == error_code::bad_value);
                CHECK(error.limit == static_cast<std::uint64_t>(option.range.most));
            }
        }
    }
}

TEST_CASE("a number above 2^63-1 is refused in binary, too")
{
    Bytes bytes;
    FrameWriter frame{bytes, MessageType::submit, 7};
    frame.zeros(16);
    msgpack::Writer writer{frame.begin_meta()};
    writer.map(1);
    writer.text("memory");
    writer.unsigned_integer(unlimited);
    frame.end_meta().finish();
    FrameSplitter splitter{Link::client, Direction::to_daemon};
    splitter.feed(bytes);
    const auto request = decode_request(**splitter.next());
    REQUIRE_FALSE(request.has_value());
    CHECK(request.error().code == error_code::bad_value);
    CHECK(request.error().field == "memory");
}

TEST_CASE("a parent is a job number: digits in JSON, 1 or more")
{
    JsonDecoder decoder;
    CHECK(from_json(decoder, R"("parent":"117")")->parent == 117);
    CHECK(from_json(decoder, R"("parent":117)").error().code == error_code::wrong_type);
    CHECK(from_json(decoder, R"("parent":"0")").error().limit == 1);
    CHECK(from_json(decoder, R"("parent":"9223372036854775808")").error().code ==
          error_code::bad_value);
    Bytes bytes;
    CHECK(from_binary(Map{{"parent", Value{0}}}, bytes).error().limit == 1);
}

TEST_CASE("texts above their limits are refused with them")
{
    for (const auto& option : options::texts) {
        CAPTURE(option.name);
        const std::string text(option.most + 1, '1');
        const ErrorReply error = refused(option.name, Value{text}, "\"" + text + "\"");
        CHECK(error.code == error_code::bad_value);
        CHECK(error.limit == option.most);
        CHECK(refused(option.name, Value{7}, "7").code == error_code::wrong_type);
    }
    JsonDecoder decoder;
    CHECK(from_json(decoder, "\"batch\":\"" + std::string(limits::name, 'b') + "\"").has_value());
}

TEST_CASE("a list of CPUs and a halt rule are judged where they come in")
{
    CHECK(refused("cpus", Value{"0-64"}, R"("0-64")").text == "want CPUs of 0 to 63");
    CHECK(refused("halt", Value{"now,fail=101%"}, R"("now,fail=101%")").text ==
          "want at most fail=100%");
    JsonDecoder decoder;
    CHECK(from_json(decoder, R"("cpus":"0,2-3","batch":"b","halt":"now,fail=1")").has_value());
}

TEST_CASE("a halt rule without a batch means nothing, and is refused")
{
    JsonDecoder decoder;
    const ErrorReply error = from_json(decoder, R"("halt":"now,fail=1")").error();
    CHECK(error.code == error_code::missing_field);
    CHECK(error.field == "batch");
    Bytes bytes;
    CHECK(from_binary(Map{{"halt", Value{"now,fail=1"}}}, bytes).error() == error);
}

TEST_CASE("options that nobody decoded are checked as strictly")
{
    JobOptions options;
    CHECK(options::check(options).has_value());
    options.priority = 101;
    CHECK(options::check(options).error().field == "priority");
    options = {.timeout_ms = 0};
    CHECK(options::check(options).error().field == "timeout_ms");
    options = {.delay_ms = unlimited};
    CHECK(options::check(options).error().field == "delay_ms");
    options = {.memory = unlimited - 1};
    CHECK(options::check(options).error().field == "memory");
    options = {.cpus = "x"};
    CHECK(options::check(options).error().field == "cpus");
    options = {.halt = "now,fail=1"};
    CHECK(options::check(options).error().field == "batch");
}

TEST_CASE("a misspelt option is told what it may have been")
{
    JsonDecoder decoder;
    CHECK(from_json(decoder, R"("timeout":1)").error().code == error_code::unknown_option);
    CHECK(from_json(decoder, R"("priorty":1)").error().text ==
          "no option \"priorty\"; did you mean \"priority\"?");
}
