// SPDX-License-Identifier: MIT
// Clients that take their time: to speak, to finish, to read.
#include <thread>

#include "daemon/loop/turn_hook.hpp"
#include "tests/loop/desk_fixture.hpp"

using namespace jobmill;
using namespace jobmill::tests;

namespace {

Bytes ping_frame()
{
    Bytes ping;
    encode(Ping{.tag = Tag{1}}, ping);
    return ping;
}

/// A client that says a byte every two milliseconds and never comes to an end of it.
bool dribbles_until_over(DeskFixture& world, Peer& peer, ByteView bytes, std::uint64_t session)
{
    for (std::size_t i = 0; i < bytes.size() && !world.is_over(session); ++i) {
        peer.say(bytes.subspan(i, 1));
        world.run_for(2ms);
    }
    return world.is_over(session);
}

/// Job 101 says more than its reader reads.
void emit_until_paused(DeskFixture& world)
{
    while (world.paused.empty()) {
        world.chunk(101, small(std::string(60'000, 'c')));
        world.settle();
    }
}

}  // namespace

TEST_CASE("what clients are given is five seconds, ten and thirty")
{
    const daemon::SessionPatience::Settings settings;
    CHECK(settings.first_message == 5s);
    CHECK(settings.rest == 10s);
    CHECK(settings.stall == 30s);
}

TEST_CASE_FIXTURE(DeskFixture, "who connects and says nothing is told so and let go")
{
    settings.patience.first_message = 10ms;
    Peer& silent = connect();
    Peer& blank = connect();
    blank.say("\n  \n\n");
    Peer& preamble_only = connect();
    preamble_only.say(preamble);
    CHECK(run_until([&] { return is_over(1) && is_over(2) && is_over(3); }));
    CHECK(heard_by(silent).at(0).find("no first message") != std::string::npos);
    CHECK(heard_by(blank).at(0).find("\"timeout\"") != std::string::npos);
    CHECK(heard_by(preamble_only) == Lines{"error 0 timeout"});
}

TEST_CASE_FIXTURE(DeskFixture, "who has said something may be silent as long as he likes")
{
    settings.patience = {.first_message = 5ms, .rest = 5ms};
    Peer& frames = connect_binary();
    Peer& lines = connect();
    lines.say("{\"op\":\"ping\",\"id\":\"a\"}\n");
    CHECK(heard_by(lines).size() == 1);
    Peer& refused = connect();
    refused.say("{nonsense\n");
    CHECK(heard_by(refused).size() == 1);
    run_for(20ms);
    frames.send(Ping{.tag = Tag{1}});
    CHECK(heard_by(frames) == Lines{"pong 1"});
    CHECK_FALSE(is_over(2));
    CHECK_FALSE(is_over(3));
}

TEST_CASE_FIXTURE(DeskFixture, "a byte now and then gains nothing")
{
    settings.patience = {.first_message = 10s, .rest = 20ms};
    Bytes first = greeting();
    Peer& peer = connect();
    CHECK(dribbles_until_over(*this, peer, first, 1));
    Peer& later = connect_binary();
    const std::string line(1000, ' ');
    CHECK(dribbles_until_over(*this, later, Bytes(200, std::byte{0x10}), 2));
    Peer& json = connect();
    CHECK(dribbles_until_over(*this, json, bytes_of("{\"op\":\"" + line), 3));
}

TEST_CASE_FIXTURE(DeskFixture, "the first message has no longer than the first message has")
{
    // Begun just before its time is over, it does not get another ten seconds.
    settings.patience = {.first_message = 20ms, .rest = 10s};
    Peer& peer = connect();
    run_for(10ms);
    CHECK(dribbles_until_over(*this, peer, greeting(), 1));
}

TEST_CASE_FIXTURE(DeskFixture, "who has spoken in time is heard, however late the loop comes to it")
{
    settings.patience = {.first_message = 300ms, .rest = 300ms};
    Peer& first = connect();
    Peer& rest = connect();
    rest.say("{\"op\":\"ping\",\"id\":\"a\"}\n{\"op\":");
    CHECK(heard_by(rest).size() == 1);
    Peer& begun = connect();
    begun.say("{\"op\":");
    Peer& another = connect();
    another.say("{\"op\":\"ping\",\"id\":\"a\"}\n{\"op\":");
    settle();
    first.say("{\"op\":\"ping\",\"id\":\"b\"}\n");
    rest.say("\"ping\",\"id\":\"b\"}\n");
    begun.say("\"ping\",\"id\":\"b\"}\n");
    another.say("\"ping\",\"id\":\"b\"}\n{\"op\":");
    std::this_thread::sleep_for(400ms);  // the daemon is stopped
    settle();
    const std::string pong = R"({"op":"pong","id":"b","payload":""})";
    for (Peer* peer : {&first, &rest, &begun}) {
        CHECK(heard_by(*peer) == Lines{pong});
    }
    CHECK(heard_by(another).back() == pong);
    CHECK_FALSE(is_over(4));
    CHECK(run_until([&] { return is_over(4); }));  // the rest of its next one had its own time
    CHECK_FALSE(is_over(1));
    CHECK_FALSE(is_over(2));
    CHECK_FALSE(is_over(3));
}

TEST_CASE_FIXTURE(DeskFixture, "who has left while the loop did not look is over without a word")
{
    settings.patience.first_message = 20ms;
    Peer& gone = connect();
    Peer& mute = connect();
    settle();
    gone.hang_up();
    mute.end_input();
    std::this_thread::sleep_for(50ms);
    CHECK(run_until([&] { return is_over(1) && is_over(2); }));
    CHECK(heard_by(mute).empty());
}

TEST_CASE_FIXTURE(DeskFixture,
                  "who makes room for his last messages is given more of them, however late")
{
    settings.patience.linger = 20ms;
    auto hook = loop::TurnHook::create(loop, [this] { bury(); });
    REQUIRE(hook.has_value());
    Peer& peer = connect_binary();
    peer.send(submit(1));
    CHECK(heard_by(peer) == Lines{"accepted 1:101"});
    emit_until_paused(*this);
    sessions.at(1)->finish();
    peer.listen();
    const std::uint64_t before = peer.received();
    std::this_thread::sleep_for(50ms);  // the daemon is stopped
    CHECK(run_until([&] { return sessions.empty(); }));
    peer.listen();
    CHECK(peer.received() > before);
}

TEST_CASE_FIXTURE(DeskFixture, "a session that is not listened to is not late")
{
    settings.patience.rest = 300ms;  // enough for the rest once it is listened to again
    settings.credit_jobs = 1;
    Peer& peer = connect_binary();
    Bytes frames;
    encode(submit(1), frames);
    encode(submit(2), frames);
    const Bytes ping = ping_frame();
    append(frames, ByteView{ping}.first(4));
    peer.say(frames);
    CHECK(heard_by(peer) == Lines{"accepted 1:101 x2"});
    run_for(400ms);
    CHECK_FALSE(is_over(1));
    finish(101);
    finish(102);
    (void)heard_by(peer);
    peer.say(ByteView{ping}.subspan(4));
    CHECK(heard_by(peer) == Lines{"pong 1"});
}

TEST_CASE_FIXTURE(DeskFixture,
                  "who takes nothing of what waits for him is let go, and his jobs with him")
{
    settings.patience.stall = 30ms;
    Peer& peer = connect_binary();
    peer.send(submit(1));
    peer.send(submit(2));
    CHECK(heard_by(peer) == Lines{"accepted 1:101 x2"});
    emit_until_paused(*this);
    CHECK(run_until([&] { return is_over(1); }));
    bury();
    CHECK(paused.empty());
    REQUIRE(told<core::SessionLost>().size() == 1);
}

TEST_CASE_FIXTURE(DeskFixture, "who reads less than his socket holds is not let go either")
{
    settings.patience.stall = 500ms;
    Peer& peer = connect_binary();
    peer.send(submit(1));
    CHECK(heard_by(peer) == Lines{"accepted 1:101"});
    emit_until_paused(*this);
    // In that time half of what the kernel wants to be read before a socket is writable again.
    for (int i = 0; i < 15; ++i) {
        run_for(100ms);
        peer.listen(std::size_t{15} * 1024);
    }
    CHECK_FALSE(is_over(1));
    CHECK(run_until([&] { return is_over(1); }));
}

TEST_CASE_FIXTURE(DeskFixture, "who reads slowly is not let go as long as he reads")
{
    // Until there is too much for him, which takes a while as well, he reads nothing.
    settings.patience.stall = 500ms;
    Peer& peer = connect_binary();
    peer.send(submit(1));
    CHECK(heard_by(peer) == Lines{"accepted 1:101"});
    emit_until_paused(*this);
    for (int i = 0; i < 8; ++i) {
        run_for(100ms);
        peer.listen(std::size_t{200} * 1024);
    }
    CHECK_FALSE(is_over(1));
    // A small rest that fits his side is nothing that he owes.
    while (!paused.empty()) {
        (void)heard_by(peer);
    }
    run_for(700ms);
    CHECK_FALSE(is_over(1));
}
