// SPDX-License-Identifier: MIT
#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "common/base64.hpp"
#include "common/codec.hpp"
#include "common/json_lines.hpp"
#include "common/json_scan.hpp"
#include "common/limits.hpp"
#include "jobmill/error_code.hpp"

using namespace jobmill;

namespace {

std::string line_of(const Reply& reply, std::string_view id)
{
    Bytes bytes;
    encode_line(reply, id, bytes);
    std::string line{text_of(bytes)};
    REQUIRE(line.ends_with('\n'));
    REQUIRE(line.size() <= limits::frame);
    line.pop_back();
    REQUIRE(line.find('\n') == std::string::npos);
    REQUIRE_FALSE(find_json_fault(line).has_value());
    return line;
}

JobResult succeeded(std::string_view payload)
{
    JobResult result;
    result.tag = Tag{1};
    result.job = JobId{118};
    result.size = payload.size();
    result.queue_ns = 40'000;
    result.run_ns = 10'000;
    result.worker = SlotId{1};
    result.payload = bytes_of(payload);
    return result;
}

JobResult crashed()
{
    JobResult result = succeeded("");
    result.state = JobState::crashed;
    result.cause.edit().kind = "signal";
    result.cause.edit().signal = "SIGSEGV";
    return result;
}

bool has(const std::string& line, std::string_view part)
{
    return line.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("results look as the protocol shows them")
{
    CHECK(line_of(Reply{succeeded("5050")}, "a") ==
          R"({"op":"result","id":"a","job":"118","state":"succeeded","payload":"5050",)"
          R"("queue_ms":0.04,"run_ms":0.01,"worker":1})");
    CHECK(line_of(Reply{crashed()}, "c") ==
          R"({"op":"result","id":"c","job":"118","state":"crashed",)"
          R"("cause":{"kind":"signal","signal":"SIGSEGV","core":false,"stderr":""},)"
          R"("queue_ms":0.04,"run_ms":0.01,"worker":1})");
}

TEST_CASE("an empty payload is said when the job succeeded")
{
    CHECK(has(line_of(Reply{succeeded("")}, "a"), R"("payload":"")"));
    CHECK_FALSE(has(line_of(Reply{crashed()}, "a"), "payload"));
}

TEST_CASE("a job that never ran has no worker")
{
    JobResult result = succeeded("");
    result.worker = SlotId{};
    CHECK_FALSE(has(line_of(Reply{result}, "a"), "worker"));
}

TEST_CASE("milliseconds have three decimals at most")
{
    JobResult result = succeeded("");
    result.queue_ns = 1'234'567;
    result.run_ns = 12'000'000;
    CHECK(has(line_of(Reply{result}, "a"), R"("queue_ms":1.235,"run_ms":12,)"));
}

TEST_CASE("a payload that is not UTF-8 is base64")
{
    CHECK(has(line_of(Reply{succeeded("\xff")}, "a"), R"("payload_b64":"/w==")"));
}

TEST_CASE("a payload with more to come is base64 and says its whole size")
{
    JobResult result = succeeded("first");
    result.size = 100'000;
    result.more = true;
    CHECK(
        has(line_of(Reply{result}, "a"), R"("payload_b64":"Zmlyc3Q=","size":100000,"more":true)"));
    result.more = false;
    CHECK(has(line_of(Reply{result}, "a"), R"("size":100000,"more":true)"));
}

TEST_CASE("pieces are always base64")
{
    CHECK(line_of(Reply{Piece{.tag = Tag{1}, .more = true, .payload = bytes_of("text")}}, "a") ==
          R"({"op":"piece","id":"a","payload_b64":"dGV4dA==","more":true})");
    CHECK(line_of(Reply{Piece{.tag = Tag{1}, .more = false, .payload = bytes_of("text")}}, "a") ==
          R"({"op":"piece","id":"a","payload_b64":"dGV4dA=="})");
}

TEST_CASE("the longest payload of control characters fits a line as base64")
{
    const std::string payload(limits::inline_payload, '\x01');
    const std::string line = line_of(Reply{succeeded(payload)}, "a");
    CHECK(has(line, R"("payload_b64":"AQEB)"));
    const std::string plain(limits::inline_payload, 'x');
    CHECK(has(line_of(Reply{succeeded(plain)}, "a"), R"("payload":"xxx)"));
    Chunk chunk;
    chunk.payload = bytes_of(payload);
    chunk.size = payload.size();
    CHECK(has(line_of(Reply{chunk}, "a"), "payload_b64"));
}

TEST_CASE("the worst result of all fits a line")
{
    JobResult result = succeeded({});
    const std::string payload(limits::inline_payload, '\x01');
    result.payload = bytes_of(payload);
    result.size = payload.size();
    result.cause.edit().kind = std::string(500, '\x01');
    result.cause.edit().text = std::string(50'000, '\x01');
    result.cause.edit().signal = std::string(50'000, '\x01');
    result.cause.edit().stderr_tail = std::string(50'000, '\xff');
    result.cause.edit().last_words = std::string(50'000, '\x01');
    result.cause.edit().was = std::string(50'000, '\x01');
    (void)line_of(Reply{result}, std::string(limits::name, '\x01'));
}

TEST_CASE("chunks name the stream of a command")
{
    Chunk chunk{.tag = Tag{1},
                .job = JobId{9},
                .size = 2,
                .stream = Stream::out,
                .more = false,
                .payload = bytes_of("hi")};
    CHECK(line_of(Reply{chunk}, "a") ==
          R"({"op":"chunk","id":"a","job":"9","stream":"stdout","payload":"hi"})");
    chunk.stream = Stream::err;
    CHECK(has(line_of(Reply{chunk}, "a"), R"("stream":"stderr")"));
    chunk.stream = Stream::none;
    CHECK_FALSE(has(line_of(Reply{chunk}, "a"), "stream"));
}

TEST_CASE("errors have the members that say something")
{
    ErrorMessage message;
    message.error.code = error_code::too_long;
    message.error.limit = 262144;
    CHECK(line_of(Reply{message}, "") == R"({"op":"error","code":"too_long","limit":262144})");
    message.error = {.code = error_code::busy,
                     .text = "full",
                     .field = {},
                     .limit = {},
                     .offset = {},
                     .retry_after_ms = 200};
    CHECK(line_of(Reply{message}, "a") ==
          R"({"op":"error","id":"a","code":"busy","retry_after_ms":200,"text":"full"})");
}

TEST_CASE("an error of any text is one line of UTF-8 within the limit")
{
    ErrorMessage message;
    message.error.code = error_code::pool_down;
    message.error.text = std::string(300'000, '\xff') + "\n";
    message.error.field = std::string(300'000, '\x01');
    (void)line_of(Reply{message}, "a");
}

TEST_CASE("accepted tells the tags in their order and the first job")
{
    Bytes line;
    encode_accepted_line(std::vector<std::string>{"1", "2", "x\""}, JobId{119}, line);
    CHECK(text_of(line) ==
          "{\"op\":\"accepted\",\"ids\":[\"1\",\"2\",\"x\\\"\"],\"job\":\"119\"}\n");
    CHECK(line_of(Reply{Accepted{.first = Tag{1}, .job = JobId{118}, .count = 1}}, "a") ==
          R"({"op":"accepted","ids":["a"],"job":"118"})");
}

TEST_CASE("accepted tags that fill more than a line go on in the next, the jobs counted on")
{
    const std::vector<std::string> ids(2000, std::string(limits::name, '\x01'));
    Bytes bytes;
    encode_accepted_line(ids, JobId{1}, bytes);
    std::string_view rest = text_of(bytes);
    std::uint64_t job = 1;
    std::size_t lines = 0;
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n') + 1);
        rest.remove_prefix(line.size());
        CHECK(line.size() <= limits::frame);
        CHECK(line.ends_with("],\"job\":\"" + std::to_string(job) + "\"}\n"));
        std::size_t count = 0;
        for (std::size_t at = line.find("\"\\"); at != std::string_view::npos;
             at = line.find("\"\\", at + 1)) {
            ++count;
        }
        CHECK(count > 0);
        job += count;
        ++lines;
    }
    CHECK(job == 2001);
    CHECK(lines > 1);
}

TEST_CASE("no tags, no line")
{
    Bytes bytes;
    encode_accepted_line({}, JobId{1}, bytes);
    CHECK(bytes.empty());
}

TEST_CASE("job numbers in a status are strings")
{
    StatusReply status;
    status.body =
        Value{Map{{"pid", Value{812}},
                  {"jobs", Value{Array{Value{Map{{"job", Value{121}}, {"age_ms", Value{5}}}}}}}}};
    CHECK(line_of(Reply{status}, "s") ==
          R"({"op":"status","id":"s","pid":812,"jobs":[{"job":"121","age_ms":5}]})");
}

TEST_CASE("a status that would exceed a line lists fewer jobs and counts the others")
{
    Array jobs;
    for (int i = 0; i < 200; ++i) {
        jobs.emplace_back(Map{{"job", Value{i}}, {"label", Value{std::string(4000, 'x')}}});
    }
    Map members;
    members.emplace_back("jobs", Value{std::move(jobs)});
    members.emplace_back("more_jobs", Value{5});
    const std::string line =
        line_of(Reply{StatusReply{.tag = Tag{1}, .body = Value{members}}}, "s");
    CHECK(has(line, R"("job":"49")"));
    CHECK_FALSE(has(line, R"("job":"50")"));
    CHECK(has(line, R"("more_jobs":155)"));
}

TEST_CASE("of a status that exceeds a line, the longest lists are cut and the others kept")
{
    const auto long_list = [](int count) {
        Array list;
        for (int i = 0; i < count; ++i) {
            list.emplace_back(Map{{"note", Value{std::string(2000, 'x')}}});
        }
        return Value{std::move(list)};
    };
    const Value body{Map{{"jobs", long_list(90)},
                         {"batches", long_list(200)},
                         {"pools", long_list(5)},
                         {"more_batches", Value{7}}}};
    const std::string line = line_of(Reply{StatusReply{.tag = Tag{1}, .body = body}}, "s");
    CHECK(line.size() <= limits::frame);
    CHECK(has(line, R"("more_batches":157)"));  // 200, 100, 50
    CHECK(has(line, R"("more_jobs":45)"));
    CHECK_FALSE(has(line, "more_pools"));

    Bytes frame;
    encode(StatusReply{.tag = Tag{1}, .body = body}, frame);
    CHECK(frame.size() <= limits::frame);
    const std::string_view bytes = text_of(frame);
    CHECK(bytes.find("too_large") == std::string_view::npos);
    CHECK(bytes.find("more_jobs") != std::string_view::npos);
}

TEST_CASE("a status that is too long for whatever else becomes an error in a frame, too")
{
    Bytes frame;
    encode(StatusReply{.tag = Tag{1}, .body = Value{Map{{"x", std::string(limits::frame, 'x')}}}},
           frame);
    CHECK(text_of(frame).find("too_large") != std::string_view::npos);
}

TEST_CASE("a document that fits no line becomes an error")
{
    HandlersReply handlers;
    handlers.body = Value{Map{{"pools", Value{std::string(limits::frame, 'x')}}}};
    CHECK(line_of(Reply{handlers}, "h") ==
          R"({"op":"error","id":"h","code":"too_large","limit":262144,)"
          R"("text":"the answer is longer than a line may be"})");
}

TEST_CASE("what is appended to is kept")
{
    const ByteView before = bytes_of("before\n");
    Bytes bytes{before.begin(), before.end()};
    encode_line(Reply{succeeded(std::string(limits::inline_payload, '\x01'))}, "a", bytes);
    CHECK(text_of(bytes).starts_with("before\n{\"op\":\"result\""));
}

TEST_CASE("a whole line may be longer than a session's")
{
    Bytes bytes;
    const std::string text(2 * limits::frame, 'x');
    encode_whole_line(Reply{succeeded(text)}, "a", bytes);
    CHECK(text_of(bytes).find("\"payload\":\"" + text + "\"") != std::string_view::npos);
    CHECK(text_of(bytes).ends_with("}\n"));
    CHECK(std::ranges::count(text_of(bytes), '\n') == 1);
}
