// SPDX-License-Identifier: MIT
// Many jobs in one message, from the client's side.
#include <doctest/doctest.h>

#include "scripted_daemon.hpp"

using namespace jobmill;
using namespace jobmill::tests;

namespace {

ErrorMessage refusal(Tag tag)
{
    ErrorMessage message{.tag = tag, .error = {}};
    message.error.code = "halted";
    return message;
}

JobResult result_of(Tag tag, JobId job)
{
    JobResult result;
    result.tag = tag;
    result.job = job;
    return result;
}

}  // namespace

TEST_CASE("many jobs are one message, and each is a job")
{
    ScriptedDaemon daemon;
    const std::vector<ByteView> payloads{bytes_of("a"), bytes_of(""), bytes_of("bc")};
    const auto range = daemon.client.submit_many(payloads, {.handler = "sum", .label = "l"});
    REQUIRE(range);
    CHECK(range->count == 3);
    const Sent sent{daemon};
    const auto many = sent.all<SubmitMany>();
    REQUIRE(many.size() == 1);
    CHECK(many[0].first == range->first);
    CHECK(many[0].options.handler == "sum");
    CHECK(many[0].options.label == "l");
    REQUIRE(many[0].payloads.size() == 3);
    CHECK(text_of(many[0].payloads[2]) == "bc");

    REQUIRE(daemon.say(Accepted{.first = range->first, .job = JobId{50}, .count = 3}));
    for (std::uint64_t i = 0; i < 3; ++i) {
        CHECK(daemon.event_of<event::Accepted>()->job == JobId{50 + i});
    }
    for (std::uint64_t i = 3; i-- > 0;) {
        REQUIRE(daemon.say(result_of(Tag{number(range->first) + i}, JobId{50 + i})));
    }
    CHECK(daemon.client.unfinished() == 0);
}

TEST_CASE("many jobs that are refused are refused one by one")
{
    ScriptedDaemon daemon{Welcome{.credit_jobs = 3, .server = {}}};
    const std::vector<ByteView> payloads(3);
    const auto range = daemon.client.submit_many(payloads, {.handler = "sum"});
    CHECK_FALSE(daemon.client.can_submit(0));
    REQUIRE(daemon.say(refusal(range->first)));
    for (std::uint64_t i = 0; i < 3; ++i) {
        CHECK(daemon.event_of<event::JobError>()->tag == Tag{number(range->first) + i});
    }
    CHECK(daemon.client.unfinished() == 0);
    CHECK(daemon.client.can_submit(0));
}

TEST_CASE("so many go at once as credit in jobs has room for")
{
    ScriptedDaemon daemon{Welcome{.credit_jobs = 4, .server = {}}};
    (void)daemon.accepted_job();
    const std::vector<ByteView> payloads(10);
    CHECK(daemon.client.submit_many(payloads, {.handler = "sum"})->count == 3);
    CHECK(daemon.client.submit_many(payloads, {.handler = "sum"}).error().code == Errc::in_use);
}

TEST_CASE("so many go at once as credit in bytes has room for")
{
    ScriptedDaemon daemon{Welcome{.credit_bytes = 10, .server = {}}};
    const Bytes four = filled(4, 'x');
    const Bytes large = filled(40, 'x');
    const std::vector<ByteView> small{four, four, four};
    const auto range = daemon.client.submit_many(small, {.handler = "sum"});
    CHECK(range->count == 2);
    REQUIRE(daemon.say(refusal(range->first)));
    // One above the window may go, but alone.
    const std::vector<ByteView> mixed{large, four};
    CHECK(daemon.client.submit_many(mixed, {.handler = "sum"})->count == 1);
}

TEST_CASE("so many go at once as a frame has room for")
{
    ScriptedDaemon daemon{
        Welcome{.credit_jobs = 100'000, .credit_bytes = 1ULL << 40U, .server = {}}};
    const Bytes payload = filled(60'000, 'x');
    const std::vector<ByteView> large(10, payload);
    CHECK(daemon.client.submit_many(large, {.handler = "sum"})->count == 4);
    const std::vector<ByteView> empty(20'000);
    CHECK(daemon.client.submit_many(empty, {.handler = "sum"})->count == limits::submit_many);
    const Sent sent{daemon};
    CHECK(sent.all<SubmitMany>().size() == 2);
}

TEST_CASE("a handler that is used again is opened for many jobs, too")
{
    ScriptedDaemon daemon;
    const std::vector<ByteView> payloads(2);
    for (int i = 0; i < 3; ++i) {
        REQUIRE(daemon.client.submit_many(payloads, {.handler = "sum", .pool = "p"}));
    }
    const Sent sent{daemon};
    const auto many = sent.all<SubmitMany>();
    REQUIRE(many.size() == 3);
    CHECK(many[0].options.handler == "sum");
    CHECK(many[1].handler_number != 0);
    CHECK(many[2].options.pool.empty());
    CHECK(sent.all<Open>().size() == 1);
}

TEST_CASE("many jobs that could not be encoded are refused before any is sent")
{
    ScriptedDaemon daemon{Welcome{.max_inline = 100, .server = {}}};
    const Bytes large = filled(101, 'x');
    const std::vector<ByteView> payloads{bytes_of("a"), large};
    CHECK(daemon.client.check_many(payloads, {.handler = "sum"}).error().what.find("100") !=
          std::string::npos);
    CHECK_FALSE(daemon.client.check_many({}, {.handler = ""}));
    CHECK_FALSE(daemon.client.check_many({}, {.handler = "sum", .payload = large}));
    CHECK_FALSE(daemon.client.check_many({}, {.handler = "sum", .options = {.priority = 101}}));
    CHECK(daemon.client.check_many({}, {.handler = "sum"}));
}

TEST_CASE("tags of many jobs keep clear of the numbers of opened handlers")
{
    ScriptedDaemon daemon{Welcome{.credit_jobs = UINT32_MAX, .server = {}}};
    const std::vector<ByteView> payloads(2);
    std::uint64_t last = 0;
    for (int i = 0; i < 3; ++i) {
        const auto range = daemon.client.submit_many(payloads, {.handler = "sum"});
        REQUIRE(range);
        CHECK(number(range->first) > last);
        last = number(range->first) + 1;
    }
    CHECK(last < 0xffff0000);
}

namespace {

/// The payloads of the jobs that went out, message by message: of those in one, "a+b".
std::vector<std::string> messages(ScriptedDaemon& daemon)
{
    const Sent sent{daemon};
    std::vector<std::string> found;
    for (const Request& request : sent.requests) {
        if (const auto* one = std::get_if<Submit>(&request)) {
            found.emplace_back(text_of(one->payload));
        } else if (const auto* many = std::get_if<SubmitMany>(&request)) {
            CHECK(many->each);
            std::string& payloads = found.emplace_back();
            for (const ByteView payload : many->payloads) {
                payloads += (payload.data() == many->payloads[0].data() ? "" : "+");
                payloads += text_of(payload);
            }
        }
    }
    return found;
}

using Messages = std::vector<std::string>;

struct Submitting {
    ScriptedDaemon daemon;
    Tag last{};

    Submitting() { submit("named"); }
    void submit(std::string_view payload, NewJob job = {.handler = "sum"})
    {
        job.payload = bytes_of(payload);
        const auto tag = daemon.client.submit(job);
        REQUIRE(tag);
        CHECK(number(*tag) > number(last));
        last = *tag;
    }
};

}  // namespace

TEST_CASE_FIXTURE(Submitting, "small jobs that follow one another go out in one message")
{
    submit("a");
    CHECK(messages(daemon) == Messages{"named", "a"});
    submit("b");
    submit("c");
    submit("d");
    CHECK(messages(daemon) == Messages{"b+c+d"});

    // Each is a job of its own.
    CHECK(daemon.client.unfinished() == 5);
    const Tag before{number(last) - 1};
    REQUIRE(daemon.say(Accepted{.first = before, .job = JobId{50}, .count = 1}));
    CHECK(daemon.event_of<event::Accepted>()->tag == before);
    REQUIRE(daemon.say(refusal(last)));
    CHECK(daemon.event_of<event::JobError>()->tag == last);
    CHECK_FALSE(daemon.event());
    CHECK(daemon.client.unfinished() == 4);
}

TEST_CASE_FIXTURE(Submitting, "a job that is not like the one before has a message of its own")
{
    const Bytes large = filled(1025, 'x');
    const Tag blob = daemon.client.put(bytes_of("blob")).value();
    submit("a");
    SUBCASE("of another handler")
    {
        submit("b", {.handler = "echo"});
        submit("c");
        CHECK(messages(daemon) == Messages{"named", "a", "b", "c"});
    }
    SUBCASE("with options")
    {
        submit("b", {.handler = "sum", .label = "l"});
        submit("c", {.handler = "sum", .options = {.priority = 1}});
        submit("d", {.handler = "sum", .args = {{"n", Value{1}}}});
        submit("e", {.handler = "sum", .detached = true});
        submit("f", {.handler = "sum", .started = true});
        submit("g", {.handler = "sum", .retrying = true});
        submit("h", {.handler = "sum", .progress = true});
        submit("i", {.handler = "sum", .inputs = {&blob, 1}});
        submit("j");
        submit("k");
        CHECK(messages(daemon) ==
              Messages{"named", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j+k"});
    }
    SUBCASE("with a large payload")
    {
        submit(text_of(large));
        submit("b");
        CHECK(messages(daemon).size() == 4);
    }
    SUBCASE("for another job")
    {
        REQUIRE(daemon.client.submit({.handler = "sum", .payload = bytes_of("b")}, 118));
        submit("c");
        CHECK(messages(daemon) == Messages{"named", "a", "b", "c"});
    }
    SUBCASE("after something else")
    {
        (void)daemon.client.ping({});
        submit("b");
        CHECK(messages(daemon) == Messages{"named", "a", "b"});
    }
    SUBCASE("once that one has begun to go")
    {
        const std::size_t size = daemon.client.outgoing().size();
        daemon.client.sent(size - 1);
        submit("b");
        submit("c");
        daemon.client.sent(1);
        CHECK(messages(daemon) == Messages{"b+c"});
    }
    SUBCASE("and no message has more than 64")
    {
        for (int i = 1; i < 65; ++i) {
            submit("");
        }
        const Messages sent = messages(daemon);
        REQUIRE(sent.size() == 3);
        CHECK(sent[1] == "a" + std::string(63, '+'));
        CHECK(sent[2].empty());
    }
}
