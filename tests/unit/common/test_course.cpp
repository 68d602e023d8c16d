// SPDX-License-Identifier: MIT
// What a result tells of its attempts, and that it always fits a frame and a line.
#include <string>

#include <doctest/doctest.h>

#include "common/codec.hpp"
#include "common/json_lines.hpp"
#include "common/json_scan.hpp"
#include "common/limits.hpp"
#include "common/msgpack.hpp"

using namespace jobmill;

namespace {

Cause longest_cause(char filling)
{
    Cause cause;
    const std::string text(5'000, filling);
    for (const auto member :
         {&Cause::kind, &Cause::text, &Cause::signal, &Cause::stderr_tail, &Cause::last_words,
          &Cause::was, &Cause::limit, &Cause::stack, &Cause::note}) {
        cause.*member = text;
    }
    cause.exit_code = -1;
    cause.done = UINT64_MAX;
    cause.total = UINT64_MAX;
    return cause;
}

JobResult tried_often(std::size_t times, char filling)
{
    JobResult result;
    result.tag = Tag{7};
    result.job = JobId{9};
    result.state = JobState::crashed;
    result.attempt = static_cast<std::uint32_t>(times + 1);
    result.cause = longest_cause(filling);
    for (std::size_t i = 0; i < times; ++i) {
        result.attempts.push_back({.state = JobState::crashed,
                                   .worker = SlotId{static_cast<std::uint32_t>(i + 1)},
                                   .run_ns = UINT64_MAX,
                                   .cause = result.cause});
    }
    return result;
}

Decoded<Reply> reply_of(const Bytes& bytes)
{
    FrameSplitter splitter{Link::client, Direction::from_daemon};
    splitter.feed(bytes);
    return decode_reply(**splitter.next());
}

/// What a result with these attempts is refused with.
ErrorReply refused(const Value& attempts)
{
    Bytes bytes;
    FrameWriter frame{bytes, MessageType::result, 7};
    frame.zeros(36).field(static_cast<std::uint8_t>(JobState::failed)).zeros(3);
    msgpack::Writer{frame.begin_meta()}.value(Value{Map{{"attempts", attempts}}});
    frame.end_meta().finish();
    const auto reply = reply_of(bytes);
    REQUIRE_FALSE(reply.has_value());
    return reply.error();
}

}  // namespace

TEST_CASE("a job that was tried a hundred times tells of the newest attempts, in a frame")
{
    Bytes bytes;
    encode(tried_often(100, '\xff'), bytes);
    CHECK(bytes.size() <= limits::meta);
    const auto reply = reply_of(bytes);
    REQUIRE(reply.has_value());
    const auto& result = std::get<JobResult>(*reply);
    CHECK(result.attempt == 101);
    REQUIRE(result.attempts.size() == limits::attempts);
    CHECK(result.attempts.back().worker == SlotId{100});
    CHECK(result.attempts.front().worker == SlotId{101 - limits::attempts});
    CHECK(result.attempts.front().cause.text.size() <= limits::attempt_text);
    CHECK_MESSAGE(result.cause->done == std::uint64_t{INT64_MAX}, "the most that can be read");
}

TEST_CASE("a line has the attempts, too, unless they would make it too long")
{
    const auto line_of = [](const JobResult& result) {
        Bytes line;
        encode_line(Reply{result}, "7", line);
        CHECK(line.size() <= limits::frame);
        CHECK_FALSE(find_json_fault(text_of(ByteView{line}.first(line.size() - 1))).has_value());
        return std::string{text_of(line)};
    };
    CHECK(line_of(tried_often(100, 'x')).find(R"("attempts":[{"state":"crashed","worker":85,)") !=
          std::string::npos);
    // Each of these bytes is six in a line.
    JobResult worst = tried_often(100, '\x01');
    const Bytes payload(limits::inline_payload, std::byte{0xff});
    worst.payload = payload;
    worst.size = payload.size();
    CHECK(line_of(worst).find("attempts") == std::string::npos);
}

TEST_CASE("of an attempt's output the end is told")
{
    JobResult result = tried_often(1, 'x');
    result.attempts[0].cause.stderr_tail = std::string(1000, 'x') + "the end";
    Bytes bytes;
    encode(result, bytes);
    const auto reply = reply_of(bytes);
    REQUIRE(reply.has_value());
    const std::string& tail = std::get<JobResult>(*reply).attempts.at(0).cause.stderr_tail;
    CHECK(tail.size() == limits::attempt_text);
    CHECK(tail.ends_with("the end"));
}

TEST_CASE("attempts that are none are refused")
{
    CHECK(refused(Value{7}).field == "attempts");
    CHECK(refused(Value{Array{Value{7}}}).field == "attempts");
    CHECK(refused(Value{Array{Value{Map{{"state", Value{"nonsense"}}}}}}).field == "state");
    CHECK(refused(Value{Array{Value{Map{{"state", Value{"running"}}}}}}).field == "state");
    CHECK(refused(Value{Array{Value{Map{{"run_ns", Value{-1}}}}}}).field == "run_ns");
    CHECK(refused(Value{Array{Value{Map{{"worker", Value{1LL << 40U}}}}}}).field == "worker");
}

TEST_CASE("more attempts than a result may tell of are refused with the limit")
{
    const ErrorReply error = refused(Value{Array(limits::attempts + 1, Value{Map{}})});
    CHECK(error.field == "attempts");
    CHECK(error.limit == limits::attempts);
}
