// SPDX-License-Identifier: MIT
// What a session makes of its client's requests.
#include "tests/loop/desk_fixture.hpp"

using namespace jobmill;
using namespace jobmill::tests;

TEST_CASE_FIXTURE(DeskFixture, "a session is welcomed, works, and ends with its client's input")
{
    Peer& peer = connect_binary();
    peer.send(submit(1, "hello"));
    CHECK(heard_by(peer) == Lines{"accepted 1:101"});
    finish(101, "hello");
    CHECK(heard_by(peer) == Lines{"result 1 succeeded hello"});
    peer.end_input();
    CHECK(heard_by(peer).empty());
    CHECK(is_over(1));
    bury();
    CHECK(heard_by(peer).empty());
    CHECK(peer.ended());
}

TEST_CASE_FIXTURE(DeskFixture, "of a job that came to another worker, that one's word counts")
{
    Peer& peer = connect_binary();
    peer.send(submit(1));
    settle();
    desk.worker_outcome(JobId{101}) = {.payload = small("false"), .cause = {}};
    finish(101, "true");
    CHECK(heard_by(peer) == Lines{"accepted 1:101", "result 1 succeeded true"});
}

TEST_CASE_FIXTURE(DeskFixture, "what is remembered of a job's attempts is its user's")
{
    Peer& peer = connect_binary();
    peer.send(submit(1));
    (void)heard_by(peer);
    const Cause cause{.kind = "error", .text = std::string(4096, 't')};
    for (std::uint32_t attempt = 1; attempt <= 20; ++attempt) {
        desk.worker_outcome(JobId{101}) = {.payload = {}, .cause = cause, .run_ns = 1};
        desk.retried({.job = JobId{101}, .worker = {SlotId{1}, 1}, .attempt = attempt});
    }
    CHECK(desk.admission().of(1000).jobs == 1);
    CHECK(desk.admission().of(1000).bytes > limits::attempts * (sizeof(Attempt) + 256));
    CHECK(desk.admission().of(1000).bytes < limits::attempts * 1024);
    finish(101);
    CHECK(desk.admission().of(1000).bytes == 0);
}

TEST_CASE_FIXTURE(DeskFixture, "a session is understood however its bytes are cut")
{
    Bytes stream = greeting();
    encode(submit(1, "payload"), stream);
    encode(Ping{.tag = Tag{9}}, stream);
    for (std::size_t cut = 1; cut < stream.size(); ++cut) {
        CAPTURE(cut);
        Peer& peer = connect();
        const std::string job = std::to_string(last_job + 1);
        peer.say(ByteView{stream}.first(cut));
        settle();
        peer.say(ByteView{stream}.subspan(cut));
        CHECK(heard_by(peer) == Lines{"welcome", "accepted 1:" + job, "pong 9"});
    }
}

TEST_CASE_FIXTURE(DeskFixture, "what arrives together is accepted together, before its results")
{
    Peer& peer = connect_binary();
    on_event = [&](const core::Event& event) {
        // A job that ends at once, within its own submit.
        if (const auto* submitted = std::get_if<core::JobSubmitted>(&event);
            submitted != nullptr && submitted->job == JobId{103}) {
            end(103, JobState::cancelled, core::EndedBy::stop);
        }
    };
    Bytes frames;
    for (std::uint64_t tag = 1; tag <= 4; ++tag) {
        encode(submit(tag), frames);
    }
    peer.say(frames);
    CHECK(heard_by(peer) == Lines{"accepted 1:101 x3", "result 3 cancelled", "accepted 4:104"});
}

TEST_CASE_FIXTURE(DeskFixture,
                  "a job that ends within its own submit gives its tag and credit back")
{
    settings.credit_jobs = 1;
    Peer& peer = connect_binary();
    on_event = [&](const core::Event& event) {
        if (const auto* submitted = std::get_if<core::JobSubmitted>(&event)) {
            end(number(submitted->job), JobState::cancelled, core::EndedBy::stop);
        }
    };
    Bytes frames;
    for (int i = 0; i < 3; ++i) {
        encode(submit(1), frames);
    }
    peer.say(frames);
    CHECK(heard_by(peer) == Lines{"accepted 1:101", "result 1 cancelled", "accepted 1:102",
                                  "result 1 cancelled", "accepted 1:103", "result 1 cancelled"});
    peer.end_input();
    (void)heard_by(peer);
    CHECK(is_over(1));
}

TEST_CASE_FIXTURE(DeskFixture, "in the JSON spelling a job may end within its own submit, too")
{
    Peer& peer = connect();
    on_event = [&](const core::Event& event) {
        if (const auto* submitted = std::get_if<core::JobSubmitted>(&event)) {
            end(number(submitted->job), JobState::cancelled, core::EndedBy::stop);
        }
    };
    peer.say("{\"op\":\"submit\",\"id\":\"a\",\"handler\":\"echo\"}\n");
    const Lines lines = heard_by(peer);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0] == "{\"op\":\"accepted\",\"ids\":[\"a\"],\"job\":\"101\"}");
    CHECK(lines[1].starts_with("{\"op\":\"result\",\"id\":\"a\",\"job\":\"101\""));
}

TEST_CASE_FIXTURE(DeskFixture, "a tag is in use until its result is out")
{
    Peer& peer = connect_binary();
    peer.send(submit(1));
    peer.send(submit(1));
    CHECK(heard_by(peer) == Lines{"accepted 1:101", "error 1 duplicate_id"});
    finish(101);
    peer.send(submit(1));
    CHECK(heard_by(peer) == Lines{"result 1 succeeded", "accepted 1:102"});
}

TEST_CASE_FIXTURE(DeskFixture, "of many jobs that are judged each those go on that can")
{
    desk.set_limits({.room = {.jobs_per_user = 3}});
    SUBCASE("in frames")
    {
        Peer& peer = connect_binary();
        peer.send(submit(2));
        SubmitMany many{.first = Tag{1}, .each = true, .options = {.handler = "echo"}};
        many.payloads = {bytes_of("v"), bytes_of("w"), bytes_of("x"), bytes_of("y")};
        peer.send(many);
        CHECK(heard_by(peer) == Lines{"accepted 2:101", "accepted 1:102", "error 2 duplicate_id",
                                      "accepted 3:103", "error 4 busy of 3"});
        many.options.handler = "nobody";
        many.first = Tag{10};
        many.payloads.resize(2);
        peer.send(many);
        CHECK(heard_by(peer) == Lines{"error 10 unknown_handler", "error 11 unknown_handler"});
    }
    SUBCASE("in lines")
    {
        Peer& peer = connect();
        peer.say(R"({"op":"submit","id":"b","handler":"echo"})"
                 "\n"
                 R"({"op":"submit_many","each":true,"ids":["a","b","c","d"],"handler":"echo",)"
                 R"("payloads":["v","w","x","y"]})"
                 "\n");
        const Lines lines = heard_by(peer);
        REQUIRE(lines.size() == 4);
        CHECK(lines[0] == R"({"op":"accepted","ids":["b","a"],"job":"101"})");
        CHECK(lines[1].starts_with(R"({"op":"error","id":"b","code":"duplicate_id")"));
        CHECK(lines[2] == R"({"op":"accepted","ids":["c"],"job":"103"})");
        CHECK(lines[3].starts_with(R"({"op":"error","id":"d","code":"busy")"));
    }
}

TEST_CASE_FIXTURE(DeskFixture, "opened handlers are submitted to by number")
{
    Peer& peer = connect_binary();
    Submit opened = submit(1);
    opened.handler_number = 7;
    opened.options.handler = {};
    peer.send(opened);
    CHECK(heard_by(peer) == Lines{"error 1 unknown_handler"});
    peer.send(Open{.number = 7, .pool = "", .handler = "sum"});
    peer.send(opened);
    CHECK(heard_by(peer) == Lines{"opened 7", "accepted 1:101"});
    CHECK(desk.record(JobId{101}).submission.handler == 1);
    peer.send(Open{.number = 8, .pool = "", .handler = "none"});
    CHECK(heard_by(peer) == Lines{"error 8 unknown_handler"});
}

TEST_CASE_FIXTURE(DeskFixture, "a binary session begins with hello, in a version that both speak")
{
    Peer& rude = connect();
    rude.say(preamble);
    rude.send(Ping{.tag = Tag{1}});
    CHECK(heard_by(rude) == Lines{"error 0 bad_frame"});
    CHECK(is_over(1));
    Peer& future = connect();
    future.say(preamble);
    future.send(Hello{.min_version = 2, .max_version = 9});
    CHECK(heard_by(future) == Lines{"error 0 bad_version"});
    CHECK(is_over(2));
}

TEST_CASE_FIXTURE(DeskFixture, "what is neither spelling is told so, in JSON")
{
    Peer& peer = connect();
    peer.say("GET / HTTP/1.1\r\n");
    const Lines lines = heard_by(peer);
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].starts_with("{\"op\":\"error\",\"code\":\"bad_preamble\""));
    CHECK(is_over(1));
    Peer& almost = connect();
    almost.say("\x8fJOBMILK");
    CHECK(heard_by(almost).size() == 1);
    Peer& half = connect();
    half.say("\x8fJOB");
    half.end_input();
    CHECK(heard_by(half).size() == 1);
    CHECK(is_over(3));
    Peer& silent = connect();
    silent.end_input();
    CHECK(heard_by(silent).empty());
    CHECK(is_over(4));
}

TEST_CASE_FIXTURE(DeskFixture, "a frame that cannot be ends the session after its last words")
{
    Peer& peer = connect_binary();
    peer.send(submit(1));
    peer.say(
        std::string_view{"\x05\x00\x00\x00\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 16});
    peer.send(Ping{.tag = Tag{9}});
    CHECK(heard_by(peer) == Lines{"accepted 1:101", "error 0 bad_frame"});
    CHECK(is_over(1));
    bury();
    REQUIRE(told<core::SessionLost>().size() == 1);
    end(101, JobState::cancelled, core::EndedBy::cancel);
    CHECK(desk.unfinished() == 0);
}

TEST_CASE_FIXTURE(DeskFixture, "a frame above the limit is told apart")
{
    Peer& peer = connect_binary();
    peer.say(
        std::string_view{"\xff\xff\xff\x7f\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 16});
    CHECK(heard_by(peer) == Lines{"error 0 too_long"});
}

TEST_CASE_FIXTURE(DeskFixture, "who does not finish a message in time is out")
{
    settings.patience.rest = 5ms;
    Peer& peer = connect_binary();
    peer.say("\x01");
    CHECK(hears(peer, "error 0 timeout"));
    CHECK(is_over(1));
    Peer& json = connect();
    json.say("{\"op\":");
    CHECK(run_until([&] { return is_over(2); }));
    CHECK(heard_by(json).at(0).find("\"code\":\"timeout\"") != std::string::npos);
    Peer& undecided = connect();
    undecided.say("\x8fJ");
    CHECK(run_until([&] { return is_over(3); }));
}

TEST_CASE_FIXTURE(DeskFixture, "between messages a client has all the time that it wants")
{
    settings.patience.rest = 5ms;
    Peer& peer = connect_binary();
    peer.send(submit_more(1, 10, "ab"));
    run_for(20ms);
    peer.send(Ping{.tag = Tag{2}});
    CHECK(heard_by(peer) == Lines{"pong 2"});
    CHECK_FALSE(is_over(1));
}

TEST_CASE_FIXTURE(DeskFixture, "a message that comes in time stops its clock")
{
    settings.patience.rest = 20ms;
    Peer& peer = connect_binary();
    Bytes ping;
    encode(Ping{.tag = Tag{1}}, ping);
    peer.say(ByteView{ping}.first(3));
    settle();
    peer.say(ByteView{ping}.subspan(3));
    CHECK(heard_by(peer) == Lines{"pong 1"});
    run_for(30ms);
    CHECK_FALSE(is_over(1));
}

TEST_CASE_FIXTURE(DeskFixture, "a client that hangs up is gone, whatever it had")
{
    Peer& peer = connect_binary();
    peer.send(submit(1));
    peer.send(submit_more(2, 10, "x"));
    CHECK(heard_by(peer) == Lines{"accepted 1:101"});
    peer.hang_up();
    CHECK(run_until([&] { return is_over(1); }));
    finish(101, "to nobody");
    settle();
    bury();
    CHECK(sessions.empty());
}

TEST_CASE_FIXTURE(DeskFixture, "a line above the limit ends the session, whole or not")
{
    const std::string longest(limits::frame, ' ');
    for (const char* end : {"\n", ""}) {
        Peer& peer = connect();
        for (std::size_t sent = 0; sent < longest.size(); sent += 65'536) {
            peer.say(std::string_view{longest}.substr(sent, 65'536));
            settle();
        }
        peer.say(end);
        CHECK(heard_by(peer).at(0).find("\"code\":\"too_long\"") != std::string::npos);
        CHECK(is_over(peers.size()));
    }
}

TEST_CASE_FIXTURE(DeskFixture, "JSON lines may have carriage returns, blanks, and no last newline")
{
    Peer& peer = connect();
    peer.say("\r\n   \n{\"op\":\"ping\",\"id\":\"p\"}\r\n{\"op\":\"ping\",\"id\":\"q\"}");
    peer.end_input();
    const Lines lines = heard_by(peer);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].find("\"id\":\"p\"") != std::string::npos);
    CHECK(lines[1].find("\"id\":\"q\"") != std::string::npos);
    CHECK(is_over(1));
}

TEST_CASE_FIXTURE(DeskFixture, "a bad line is refused with its id, and the session goes on")
{
    Peer& peer = connect();
    peer.say(
        "{\"op\":\"submit\",\"id\":\"a\",\"handler\":\"ehco\"}\n{nonsense\n"
        "{\"op\":\"submit\",\"id\":\"a\",\"handler\":\"echo\"}\n");
    const Lines lines = heard_by(peer);
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].starts_with("{\"op\":\"error\",\"id\":\"a\",\"code\":\"unknown_handler\""));
    CHECK(lines[1].starts_with("{\"op\":\"error\",\"code\":\"bad_json\""));
    CHECK(lines[2] == "{\"op\":\"accepted\",\"ids\":[\"a\"],\"job\":\"101\"}");
}
