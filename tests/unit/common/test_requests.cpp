// SPDX-License-Identifier: MIT
// Requests that name what they are about: cancel, retry, adjust.
#include <string>

#include <doctest/doctest.h>

#include "common/codec.hpp"
#include "common/json_lines.hpp"
#include "common/limits.hpp"
#include "common/msgpack.hpp"

using namespace jobmill;

namespace {

ErrorReply refusal(const std::string& line)
{
    JsonDecoder decoder;
    const auto request = decoder.decode(line);
    return request ? ErrorReply{.code = "accepted"} : request.error().error;
}

/// Of a frame with these fixed fields and this metadata.
ErrorReply refusal(MessageType type, const Bytes& fixed, const Map& meta)
{
    Bytes bytes;
    FrameWriter frame{bytes, type, 7};
    for (const std::byte each : fixed) {
        frame.field(static_cast<std::uint8_t>(each));
    }
    if (!meta.empty()) {
        msgpack::Writer{frame.begin_meta()}.value(Value{meta});
        frame.end_meta();
    }
    frame.finish();
    FrameSplitter splitter{Link::client, Direction::to_daemon};
    splitter.feed(bytes);
    const auto request = decode_request(**splitter.next());
    return request ? ErrorReply{.code = "accepted"} : request.error();
}

ErrorReply cancel_refusal(CancelWhat what, const Map& meta)
{
    Bytes fixed;
    append_number(fixed, std::uint64_t{0});
    append_number(fixed, static_cast<std::uint32_t>(what));
    append_number(fixed, std::uint32_t{0});
    return refusal(MessageType::cancel, fixed, meta);
}

ErrorReply adjust_refusal(const Map& meta)
{
    return refusal(MessageType::adjust, {}, meta);
}

}  // namespace

TEST_CASE("a cancel by name needs the name, within the limit")
{
    const std::string name(limits::name + 1, 'x');
    for (const CancelWhat what : {CancelWhat::batch, CancelWhat::label}) {
        const char* key = what == CancelWhat::batch ? "batch" : "label";
        CAPTURE(key);
        CHECK(cancel_refusal(what, Map{{key, Value{"x"}}}).code == "accepted");
        CHECK(cancel_refusal(what, {}).code == error_code::missing_field);
        CHECK(cancel_refusal(what, {}).field == key);
        CHECK(cancel_refusal(what, Map{{key, Value{""}}}).code == error_code::missing_field);
        CHECK(cancel_refusal(what, Map{{key, Value{7}}}).code == error_code::wrong_type);
        CHECK(cancel_refusal(what, Map{{key, Value{name}}}).limit == limits::name);
        const std::string line = R"({"op":"cancel",")" + std::string{key} + "\":";
        CHECK(refusal(line + "\"x\"}").code == "accepted");
        CHECK(refusal(line + "\"\"}").code == error_code::bad_value);
        CHECK(refusal(line + "7}").code == error_code::wrong_type);
        CHECK(refusal(std::string{line}.append("\"").append(name).append("\"}")).limit ==
              limits::name);
    }
    CHECK(cancel_refusal(CancelWhat::session, {}).code == "accepted");
    CHECK(refusal(R"({"op":"cancel","session":true})").code == "accepted");
}

TEST_CASE("a name that does not belong to what is cancelled is passed over in binary")
{
    CHECK(cancel_refusal(CancelWhat::label, Map{{"batch", Value{"x"}}}).field == "label");
    CHECK(cancel_refusal(CancelWhat::all, Map{{"batch", Value{"x"}}}).code == "accepted");
}

TEST_CASE("an option of a cancel that is not understood is refused by its name")
{
    CHECK(cancel_refusal(CancelWhat::tag, Map{{"unless_running", Value{true}}}).code == "accepted");
    CHECK(cancel_refusal(CancelWhat::all, Map{{"unless_running", Value{1}}}).code ==
          error_code::wrong_type);
    const ErrorReply binary = cancel_refusal(CancelWhat::all, Map{{"unless_runing", Value{true}}});
    CHECK(binary.code == error_code::unknown_option);
    CHECK(binary.field == "unless_runing");
    CHECK(refusal(R"({"op":"cancel","id":"a","unless_running":1})").field == "unless_running");
    CHECK(refusal(R"({"op":"cancel","id":"a","unless_runing":true})").text ==
          "no option \"unless_runing\"; did you mean \"unless_running\"?");
}

TEST_CASE("of job, all, batch, label and session a cancel names one")
{
    for (const char* members :
         {R"("job":"1","all":true)", R"("job":"1","batch":"b")", R"("batch":"b","label":"l")",
          R"("label":"l","session":true)", R"("all":true,"session":true)"}) {
        CAPTURE(members);
        const ErrorReply error = refusal(R"({"op":"cancel",)" + std::string{members} + "}");
        CHECK(error.code == error_code::bad_value);
        CHECK(error.text == "job, all, batch, label and session exclude each other");
    }
    CHECK(refusal(R"({"op":"cancel","job":"1","all":false,"session":false})").code == "accepted");
    CHECK(refusal(R"({"op":"cancel","session":false})").field == "id");
    CHECK(refusal(R"({"op":"cancel","session":1})").field == "session");
}

TEST_CASE("a retry names a job")
{
    CHECK(refusal(R"({"op":"retry","job":"118"})").code == "accepted");
    CHECK(refusal(R"({"op":"retry"})").code == error_code::missing_field);
    CHECK(refusal(R"({"op":"retry","job":118})").code == error_code::wrong_type);
    CHECK(refusal(R"({"op":"retry","job":"x"})").field == "job");
}

TEST_CASE("what an adjust changes is within its range")
{
    struct Bad {
        const char* field = "";
        Value value;
        const char* spelled = "";
        std::optional<std::uint64_t> limit;
    };
    for (const Bad& bad :
         {Bad{"max_running", Value{0}, "0", 1}, Bad{"max_running", Value{-1}, "-1", 1},
          Bad{"max_running", Value{1LL << 32U}, "4294967296", UINT32_MAX},
          Bad{"max_running", Value{"many"}, "\"many\"", {}}, Bad{"weight", Value{0}, "0", 1},
          Bad{"weight", Value{1001}, "1001", 1000},
          Bad{"weight", Value{"unlimited"}, "\"unlimited\"", {}}}) {
        CAPTURE(bad.spelled);
        const ErrorReply binary = adjust_refusal(Map{{"pool", Value{"p"}}, {bad.field, bad.value}});
        CHECK(binary.field == bad.field);
        CHECK(binary.limit == bad.limit);
        CHECK(refusal(R"({"op":"adjust","pool":"p",")" + std::string{bad.field} +
                      "\":" + bad.spelled + "}") == binary);
    }
}

TEST_CASE("an adjust is of a pool, or of a label, or of all")
{
    CHECK(adjust_refusal(Map{{"max_running", Value{2}}}).code == "accepted");
    CHECK(adjust_refusal(Map{{"pool", Value{"p"}}, {"label", Value{"l"}}}).field == "label");
    CHECK(adjust_refusal(Map{{"weight", Value{2}}}).code == error_code::missing_field);
    CHECK(refusal(R"({"op":"adjust","max_running":"unlimited"})").code == "accepted");
    CHECK(refusal(R"({"op":"adjust","pool":"p","label":"l"})").field == "label");
    CHECK(refusal(R"({"op":"adjust","weight":2})").code == error_code::missing_field);
    CHECK(refusal(R"({"op":"adjust"})").code == "accepted");
}

TEST_CASE("an adjustment that is not understood is refused by its name")
{
    const ErrorReply binary = adjust_refusal(Map{{"timeout", Value{2}}});
    CHECK(binary.code == error_code::unknown_option);
    CHECK(binary.field == "timeout");
    CHECK(refusal(R"({"op":"adjust","wait":2})").text == "no option \"wait\"");
    CHECK(refusal(R"({"op":"adjust","wieght":2})").text ==
          "no option \"wieght\"; did you mean \"weight\"?");
}
