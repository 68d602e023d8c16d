// SPDX-License-Identifier: MIT
#include <limits>

#include <doctest/doctest.h>

#include "scripted_daemon.hpp"

using namespace jobmill;
using namespace jobmill::tests;

namespace {

using Names = std::vector<std::string>;

JobResult result_of(Tag tag, ByteView payload = {})
{
    JobResult result;
    result.tag = tag;
    result.job = JobId{100 + number(tag)};
    result.size = payload.size();
    result.payload = payload;
    return result;
}

}  // namespace

TEST_CASE("a session begins with the preamble and a hello")
{
    Conversation client{"me", 1 << 20, false};
    const ByteView bytes = client.outgoing();
    CHECK(text_of(bytes).starts_with(preamble));
    FrameSplitter splitter{Link::client, Direction::to_daemon};
    splitter.feed(bytes.subspan(preamble.size()));
    const auto request = decode_request(**splitter.next());
    CHECK(std::get<Hello>(*request).client == "me");
}

TEST_CASE("a client's name is cut between letters, and is text whatever it was")
{
    const auto said_name = [](const std::string& name) {
        Conversation client{name, 1 << 20, false};
        FrameSplitter splitter{Link::client, Direction::to_daemon};
        splitter.feed(client.outgoing().subspan(preamble.size()));
        const auto request = decode_request(**splitter.next());
        REQUIRE(request);
        return std::string{std::get<Hello>(*request).client};
    };
    std::string letters = "a";
    for (int i = 0; i < 100; ++i) {
        letters += "\u00e9";
    }
    CHECK(said_name(letters) == letters.substr(0, 127));
    CHECK(said_name("m\xff") == "m\ufffd");
}

TEST_CASE("nothing may be submitted before the welcome")
{
    Conversation client{"me", 1 << 20, false};
    CHECK_FALSE(client.can_submit(0));
    REQUIRE(client.receive(said(Welcome{.server = "jobmilld 9"})));
    CHECK(client.can_submit(0));
    CHECK(client.welcome().server == "jobmilld 9");
}

TEST_CASE("a job's events come with its tag and number")
{
    ScriptedDaemon daemon;
    const Tag tag = *daemon.client.submit({.handler = "sum", .payload = bytes_of("100")});
    CHECK(daemon.heard() == Names{"hello", "submit"});
    REQUIRE(daemon.say(Accepted{.first = tag, .job = JobId{118}}));
    REQUIRE(daemon.say(Started{.tag = tag, .job = JobId{118}, .worker = SlotId{2}}));
    REQUIRE(daemon.say(Progress{tag, JobId{118}, 3, 9, "well"}));
    REQUIRE(daemon.say(Chunk{tag, JobId{118}, 2, Stream::out, false, bytes_of("hi")}));
    JobResult result = result_of(tag, bytes_of("5050"));
    result.job = JobId{118};
    REQUIRE(daemon.say(result));
    CHECK(daemon.event_of<event::Accepted>()->job == JobId{118});
    CHECK(daemon.event_of<event::Started>()->worker == SlotId{2});
    CHECK(daemon.event_of<event::Progress>()->note == "well");
    CHECK(text_of(daemon.event_of<event::Chunk>()->payload) == "hi");
    CHECK(text_of(daemon.event_of<event::JobResult>()->payload) == "5050");
    CHECK(daemon.client.unfinished() == 0);
    CHECK(daemon.client.held() == 0);
}

TEST_CASE("the daemon's bytes may come in any parts")
{
    Bytes script;
    encode(Welcome{}, script);
    encode(Accepted{.first = Tag{1}, .job = JobId{101}, .count = 2}, script);
    encode(Chunk{Tag{2}, JobId{102}, 3, Stream::none, false, bytes_of("abc")}, script);
    JobResult large = result_of(Tag{1}, bytes_of("ab"));
    large.size = 4;
    large.more = true;
    encode(large, script);
    encode(result_of(Tag{2}, bytes_of("z")), script);
    encode(Piece{Tag{1}, false, bytes_of("cd")}, script);
    for (std::size_t cut = 0; cut <= script.size(); ++cut) {
        ScriptedDaemon daemon;
        (void)daemon.client.submit({.handler = "a"});
        (void)daemon.client.submit({.handler = "a"});
        const ByteView bytes = ByteView{script}.subspan(said(Welcome{}).size());
        const std::size_t at = std::min(cut, bytes.size());
        REQUIRE(daemon.client.receive(bytes.first(at)));
        REQUIRE(daemon.client.receive(bytes.subspan(at)));
        REQUIRE(daemon.client.events().size() == 5);
        CHECK(daemon.client.unfinished() == 0);
        CHECK(text_of(std::get<event::JobResult>(daemon.client.events()[3]).payload) == "z");
        CHECK(text_of(std::get<event::JobResult>(daemon.client.events()[4]).payload) == "abcd");
    }
}

TEST_CASE("credit in jobs is given back by results")
{
    ScriptedDaemon daemon{Welcome{.credit_jobs = 2, .server = {}}};
    const Tag first = daemon.accepted_job();
    (void)daemon.accepted_job();
    CHECK_FALSE(daemon.client.can_submit(0));
    CHECK(daemon.client.submit({.handler = "echo"}).error().code == Errc::in_use);
    REQUIRE(daemon.say(result_of(first)));
    CHECK(daemon.client.can_submit(0));
}

TEST_CASE("credit in bytes lets a single larger payload go alone")
{
    ScriptedDaemon daemon{Welcome{.credit_bytes = 10, .server = {}}};
    CHECK(daemon.client.can_submit(1000));
    const Bytes payload = filled(6, 'x');
    const Tag tag = daemon.accepted_job({.handler = "echo", .payload = payload});
    CHECK(daemon.client.can_submit(4));
    CHECK_FALSE(daemon.client.can_submit(5));
    REQUIRE(daemon.say(Credit{.jobs = 8, .bytes = 100}));
    CHECK(daemon.client.can_submit(5));
    REQUIRE(daemon.say(result_of(tag)));
}

TEST_CASE("a detached job takes credit until it is accepted")
{
    ScriptedDaemon daemon{Welcome{.credit_jobs = 1, .server = {}}};
    const Tag tag = *daemon.client.submit({.handler = "echo", .detached = true});
    CHECK_FALSE(daemon.client.can_submit(0));
    REQUIRE(daemon.say(Accepted{.first = tag, .job = JobId{7}}));
    CHECK(daemon.client.can_submit(0));
    CHECK(is_last(*daemon.event()));
    CHECK(daemon.client.unfinished() == 0);
}

TEST_CASE("large payloads go in pieces that take turns")
{
    ScriptedDaemon daemon{Welcome{.max_inline = 10, .piece = 8, .server = {}}};
    const Bytes first = filled(20, 'a');
    const Bytes second = filled(16, 'b');
    (void)daemon.client.submit({.handler = "echo", .payload = first});
    (void)daemon.client.submit({.handler = "echo", .payload = second});
    CHECK(daemon.heard() == Names{"hello", "submit 1:0+", "open", "submit 2:0+", "piece 1:8+",
                                  "piece 2:8+", "piece 1:8+", "piece 2:8", "piece 1:4"});
}

TEST_CASE("a large payload is not copied ahead of the socket")
{
    ScriptedDaemon daemon;
    const Bytes payload = filled(std::size_t{8} << 20U, 'a');
    (void)daemon.client.submit({.handler = "echo", .payload = payload});
    CHECK(daemon.client.outgoing().size() < std::size_t{512} * 1024);
    CHECK(daemon.client.can_submit(0));
}

TEST_CASE("the payload of a refused job is not sent to its end")
{
    ScriptedDaemon daemon{Welcome{.max_inline = 10, .piece = 64 * 1024, .server = {}}};
    const Bytes payload = filled(std::size_t{4} << 20U, 'a');
    const Tag tag = *daemon.client.submit({.handler = "nobody", .payload = payload});
    (void)daemon.client.outgoing();
    REQUIRE(daemon.say(ErrorMessage{tag,
                                    {.code = "unknown_handler",
                                     .text = "no",
                                     .field = "",
                                     .limit = {},
                                     .offset = {},
                                     .retry_after_ms = {}}}));
    const Names names = daemon.heard();
    CHECK(names.size() < 10);
    CHECK(names.back() == "piece 1:0");
    CHECK(daemon.event_of<event::JobError>()->tag == tag);
    CHECK(daemon.client.unfinished() == 0);
}

TEST_CASE("a handler that is used again is opened, once")
{
    ScriptedDaemon daemon;
    for (int i = 0; i < 3; ++i) {
        (void)daemon.client.submit({.handler = "sum"});
    }
    (void)daemon.client.submit({.handler = "sum", .pool = "other"});
    CHECK(daemon.heard() == Names{"hello", "submit", "open", "submit_many", "submit"});
}

TEST_CASE("jobs of a handler that could not be opened say why, and later ones name it")
{
    ScriptedDaemon daemon;
    const auto refuse = [&](std::uint64_t id, std::string text) {
        return daemon.say(
            ErrorMessage{.tag = Tag{id},
                         .error = {.code = error_code::unknown_handler, .text = std::move(text)}});
    };
    for (int i = 0; i < 3; ++i) {
        REQUIRE(daemon.client.submit({.handler = "sun"}));
    }
    std::uint64_t opened = 0;
    {
        const Sent sent{daemon};
        REQUIRE(sent.all<Open>().size() == 1);
        opened = sent.all<Open>()[0].number;
    }
    REQUIRE(refuse(1, "no handler sun"));
    REQUIRE(refuse(opened, "no handler sun, did you mean sum?"));
    REQUIRE(refuse(2, "this number was not opened"));
    REQUIRE(refuse(3, "this number was not opened"));
    CHECK(daemon.event_of<event::JobError>()->error.text == "no handler sun");
    CHECK(daemon.event_of<event::JobError>()->error.text == "no handler sun, did you mean sum?");
    CHECK(daemon.event_of<event::JobError>()->error.text == "no handler sun, did you mean sum?");
    REQUIRE(daemon.client.submit({.handler = "sun", .label = "l"}));
    const std::vector<ByteView> payloads(2);
    REQUIRE(daemon.client.submit_many(payloads, {.handler = "sun"}));
    const Sent sent{daemon};
    CHECK(sent.all<Open>().empty());
    CHECK(sent.all<Submit>().at(0).options.handler == "sun");
    CHECK(sent.all<SubmitMany>().at(0).options.handler == "sun");
}

TEST_CASE("a job that could not be encoded is refused here")
{
    ScriptedDaemon daemon{Welcome{.max_payload = 100, .server = {}}};
    const Bytes payload = filled(101, 'a');
    const std::string name(129, 'n');
    CHECK(daemon.client.submit({.handler = "a", .payload = payload}).error().code == Errc::invalid);
    CHECK(daemon.client.submit({.handler = name}).error().code == Errc::invalid);
    CHECK(daemon.client.submit({.handler = ""}).error().code == Errc::invalid);
    CHECK(daemon.client.submit({.handler = "a", .args = {{"k", std::string(70000, 'v')}}})
              .error()
              .what.find("65535") != std::string::npos);
    CHECK(daemon.client.unfinished() == 0);
}

TEST_CASE("an integer that no handler could read is refused by its name")
{
    ScriptedDaemon daemon;
    constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
    CHECK(daemon.client.submit({.handler = "a", .args = {{"n", most}}}));
    const auto refused = daemon.client.submit(
        {.handler = "a", .args = {{"k", 1}, {"list", Array{Value{Map{{"n", most + 1}}}}}}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::invalid);
    CHECK(refused.error().what ==
          "args: list: 9223372036854775808; the limit of integers is 2^63-1");
    CHECK(daemon.client.unfinished() == 1);
}

TEST_CASE("with stream_parts nothing of a large result is held")
{
    ScriptedDaemon daemon{Welcome{}, 1 << 10, true};
    const Tag tag = daemon.accepted_job();
    const Bytes part = filled(50'000, 'p');
    JobResult result = result_of(tag);
    result.size = 100'000;
    result.more = true;
    REQUIRE(daemon.say(result));
    REQUIRE(daemon.say(Piece{tag, true, part}));
    CHECK(daemon.event_of<event::ResultPart>()->payload.size() == 50'000);
    REQUIRE(daemon.say(Piece{tag, false, part}));
    CHECK(daemon.event_of<event::ResultPart>()->payload.size() == 50'000);
    const auto last = daemon.event_of<event::JobResult>();
    REQUIRE(last);
    CHECK(last->size == 100'000);
    CHECK_FALSE(last->dropped);
    CHECK(daemon.client.held() == 0);
}

TEST_CASE("a result above the memory limit is dropped, and says so")
{
    ScriptedDaemon daemon{Welcome{}, 1000};
    const Tag tag = daemon.accepted_job();
    JobResult result = result_of(tag);
    result.size = 40'000;
    result.more = true;
    REQUIRE(daemon.say(result));
    REQUIRE(daemon.say(Piece{tag, false, filled(40'000, 'x')}));
    const auto last = daemon.event_of<event::JobResult>();
    REQUIRE(last);
    CHECK(last->dropped);
    CHECK(last->payload.empty());
    CHECK(daemon.client.held() == 0);
}

TEST_CASE("a huge announced size takes no memory")
{
    ScriptedDaemon daemon;
    const Tag tag = daemon.accepted_job();
    JobResult result = result_of(tag);
    result.size = std::uint64_t{1} << 60U;
    result.more = true;
    REQUIRE(daemon.say(result));
    CHECK(daemon.client.held() == 0);
}

TEST_CASE("what a daemon should never say ends the session")
{
    ScriptedDaemon daemon;
    const Tag tag = daemon.accepted_job();
    const JobId job{100 + number(tag)};
    Result<void> verdict;
    SUBCASE("a second welcome")
    {
        verdict = daemon.say(Welcome{});
    }
    SUBCASE("the result of a job that never was")
    {
        verdict = daemon.say(result_of(Tag{77}));
    }
    SUBCASE("another number for the job")
    {
        verdict = daemon.say(Chunk{tag, JobId{5}, 0, Stream::none, false, {}});
    }
    SUBCASE("accepted twice")
    {
        verdict = daemon.say(Accepted{.first = tag, .job = job});
    }
    SUBCASE("four billion jobs accepted")
    {
        verdict = daemon.say(Accepted{.first = tag, .job = job, .count = 0xffffffff});
    }
    SUBCASE("a piece of nothing")
    {
        verdict = daemon.say(Piece{tag, false, bytes_of("x")});
    }
    SUBCASE("a size that does not match")
    {
        verdict = daemon.say(Chunk{tag, job, 9, Stream::none, false, bytes_of("x")});
    }
    SUBCASE("more pieces than announced")
    {
        (void)daemon.say(Chunk{tag, job, 2, Stream::none, true, bytes_of("x")});
        verdict = daemon.say(Piece{tag, true, bytes_of("yz")});
    }
    SUBCASE("an answer that nobody asked for")
    {
        verdict = daemon.say(Pong{Tag{9}, {}});
    }
    SUBCASE("an answer of another kind")
    {
        const Tag asked = *daemon.client.ping({});
        verdict = daemon.say(Cancelled{asked, 1, 1});
    }
    SUBCASE("a frame for the other direction")
    {
        verdict = daemon.say(Ping{tag, {}});
    }
    SUBCASE("no frame at all")
    {
        verdict = daemon.client.receive(filled(64, '\xff'));
    }
    REQUIRE_FALSE(verdict);
    CHECK(verdict.error().code == Errc::invalid);
}

TEST_CASE("stale words about an ended job are passed over")
{
    ScriptedDaemon daemon;
    const Tag tag = daemon.accepted_job();
    REQUIRE(daemon.say(result_of(tag)));
    (void)daemon.event();
    CHECK(daemon.say(Progress{tag, JobId{100 + number(tag)}, 1, 2, ""}));
    CHECK(daemon.say(ErrorMessage{tag,
                                  {.code = "not_found",
                                   .text = "",
                                   .field = "",
                                   .limit = {},
                                   .offset = {},
                                   .retry_after_ms = {}}}));
    CHECK_FALSE(daemon.event());
}

TEST_CASE("a waited job needs no acceptance and takes no credit")
{
    ScriptedDaemon daemon{Welcome{.credit_jobs = 1, .server = {}}};
    const Tag tag = *daemon.client.wait_job(JobId{42});
    CHECK(daemon.client.can_submit(0));
    JobResult result = result_of(tag, bytes_of("r"));
    result.job = JobId{42};
    REQUIRE(daemon.say(result));
    CHECK(daemon.event_of<event::JobResult>()->job == JobId{42});
}

TEST_CASE("a daemon that stops takes no more jobs")
{
    ScriptedDaemon daemon;
    REQUIRE(daemon.say(Closing{.grace_ms = 5}));
    CHECK(daemon.event_of<event::Closing>()->grace_ms == 5);
    CHECK(daemon.client.submit({.handler = "a"}).error().code == Errc::closed);
}

TEST_CASE("a welcome that makes no sense is refused")
{
    Welcome welcome;
    SUBCASE("no credit")
    {
        welcome.credit_jobs = 0;
    }
    SUBCASE("empty pieces")
    {
        welcome.piece = 0;
    }
    SUBCASE("another version")
    {
        welcome.version = 9;
    }
    Conversation client{"me", 1 << 20, false};
    CHECK_FALSE(client.receive(said(welcome)));
}

TEST_CASE("what a daemon says before it has heard us is understood")
{
    const auto told = [](std::string_view line) {
        Conversation client{"me", 1 << 20, false};
        const auto received = client.receive(bytes_of(line));
        REQUIRE_FALSE(received);
        return received.error().code;
    };
    CHECK(told("{\"op\":\"closing\",\"grace_ms\":5000}\n") == Errc::closed);
    CHECK(told("{\"op\":\"error\",\"code\":\"busy\",\"text\":\"too many sessions\"}\n") ==
          Errc::in_use);
    CHECK(told("{\"hello\":1}\n") == Errc::invalid);
}
