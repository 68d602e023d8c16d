// SPDX-License-Identifier: MIT
// Payloads in pieces and in descriptors, whole, wrong, and cut short.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>

#include "common/blob.hpp"
#include "tests/loop/desk_fixture.hpp"

using namespace jobmill;
using namespace jobmill::tests;

TEST_CASE_FIXTURE(DeskFixture, "pieces that were begun before the daemon stops end well")
{
    Peer& peer = connect_binary();
    peer.send(submit_more(1, 4, "ab"));
    CHECK(heard_by(peer).empty());
    closing = true;
    on_event = [&](const core::Event& event) {
        if (std::holds_alternative<core::JobSubmitted>(event)) {
            end(101, JobState::cancelled, core::EndedBy::stop);
        }
    };
    peer.send(piece(1, "cd", false));
    CHECK(heard_by(peer) == Lines{"accepted 1:101", "result 1 cancelled"});
    peer.send(submit(2));
    CHECK(heard_by(peer) == Lines{"error 2 closing"});
}

TEST_CASE_FIXTURE(DeskFixture, "a second submit in pieces with a tag in use ends the session")
{
    Peer& peer = connect_binary();
    peer.send(submit(1));
    peer.send(submit_more(1, 10));
    CHECK(heard_by(peer).back() == "error 0 duplicate_id");
    CHECK(is_over(1));
}

TEST_CASE_FIXTURE(DeskFixture, "a bad second submit in pieces with a tag in use ends it as well")
{
    Peer& peer = connect_binary();
    peer.send(submit_more(1, 10));
    Submit bad = submit_more(1, 10);
    bad.size = 0;  // less than came
    bad.payload = bytes_of("x");
    peer.send(bad);
    CHECK(heard_by(peer).back() == "error 0 duplicate_id");
    CHECK(is_over(1));
}

TEST_CASE_FIXTURE(DeskFixture, "the pieces of a refused submit are swallowed, then its tag is free")
{
    Peer& peer = connect_binary();
    Submit unknown = submit_more(1, 6, "ab");
    unknown.options.handler = "ehco";
    peer.send(unknown);
    peer.send(piece(1, "cd", true));
    CHECK(heard_by(peer) == Lines{"error 1 unknown_handler"});
    peer.send(submit(1));
    CHECK(heard_by(peer) == Lines{"error 1 duplicate_id"});
    peer.send(piece(1, "ef", false));
    peer.send(submit(1));
    CHECK(heard_by(peer) == Lines{"accepted 1:101"});
}

TEST_CASE_FIXTURE(DeskFixture, "the pieces of a submit that could not be read are swallowed, too")
{
    Peer& peer = connect_binary();
    Submit bad = submit_more(1, 0, "x");
    peer.send(bad);
    peer.send(piece(1, "cd", true));
    peer.send(piece(1, "cd", false));
    CHECK(heard_by(peer) == Lines{"error 1 bad_value"});
    peer.end_input();
    CHECK(heard_by(peer).empty());
    CHECK(is_over(1));
}

TEST_CASE_FIXTURE(DeskFixture, "so are those of a line that could not be followed")
{
    Peer& peer = connect();
    const auto say = [&](const std::string& line) { peer.say(line + "\n"); };
    const std::string bad =
        R"({"op":"submit","id":"a","handler":"echo","size":3,"more":true,"priority":1000})";
    say(bad);
    say(R"({"op":"piece","id":"a","payload":"x","more":true})");
    Lines heard = heard_by(peer);
    REQUIRE(heard.size() == 1);
    CHECK(heard[0].find("bad_value") != std::string::npos);
    say(R"({"op":"submit","id":"a","handler":"echo"})");  // what comes late would be taken for its
    heard = heard_by(peer);
    REQUIRE(heard.size() == 1);
    CHECK(heard[0].find("duplicate_id") != std::string::npos);
    say(R"({"op":"piece","id":"a","more":false,"payload":""})");
    CHECK(heard_by(peer).empty());
    say(bad);
    say(bad);
    heard = heard_by(peer);
    REQUIRE(heard.size() == 2);
    CHECK(heard[1].find("duplicate_id") != std::string::npos);
    CHECK(is_over(1));
}

TEST_CASE_FIXTURE(DeskFixture, "the missing pieces of refused submits are bounded")
{
    Peer& peer = connect_binary();
    Submit unknown = submit_more(1, 6, "ab");
    unknown.options.handler = "ehco";
    const std::uint64_t most = limits::credit_jobs + limits::refused_uploads;
    for (std::uint64_t tag = 1; tag <= most; ++tag) {
        unknown.tag = Tag{tag};
        peer.send(unknown);
        REQUIRE(heard_by(peer).size() == 1);
    }
    CHECK_FALSE(is_over(1));
    unknown.tag = Tag{most + 1};
    peer.send(unknown);
    CHECK(heard_by(peer).back() == "error 0 too_large");
    CHECK(is_over(1));
}

TEST_CASE_FIXTURE(DeskFixture, "a payload that is whole goes where its handler is then")
{
    Peer& peer = connect_binary();
    peer.send(submit_more(1, 4, "ab"));
    peer.send(submit_more(2, 4, "ab"));
    CHECK(heard_by(peer).empty());
    const PoolId old = *pools.find("default");
    const PoolId anew = pools.add("default");
    pools.entry(anew).handlers = {{"sum", "", ""}, {"echo", "", ""}};
    pools.publish({anew});
    pools.retire(old);
    pools.remove(old);
    peer.send(piece(1, "cd", false));
    CHECK(heard_by(peer) == Lines{"accepted 1:101"});
    CHECK(desk.record(JobId{101}).submission.pool == anew);
    CHECK(desk.record(JobId{101}).submission.handler == 1);
    pools.entry(anew).handlers.pop_back();
    peer.send(piece(2, "cd", false));
    CHECK(heard_by(peer) == Lines{"error 2 unknown_handler"});
    peer.send(submit(2));  // the tag is free
    CHECK(heard_by(peer) == Lines{"error 2 unknown_handler"});
    finish(101);
    CHECK(desk.admission().all().bytes == 0);
}

TEST_CASE_FIXTURE(DeskFixture, "pieces that do not add up refuse the submit once")
{
    Peer& peer = connect_binary();
    peer.send(submit_more(1, 3, "ab"));
    peer.send(piece(1, "cd", true));
    peer.send(piece(1, "ef", true));
    peer.send(piece(1, "gh", false));
    CHECK(heard_by(peer) == Lines{"error 1 bad_value"});
    peer.send(piece(1, "late", false));
    CHECK(heard_by(peer) == Lines{"error 1 not_found"});
}

TEST_CASE_FIXTURE(DeskFixture, "a stray piece does no harm to a job that runs or is waited for")
{
    Peer& owner = connect_binary();
    Submit detached = submit(5);
    detached.options.detached = true;
    owner.send(detached);
    CHECK(heard_by(owner) == Lines{"accepted 5:101"});
    Peer& peer = connect_binary();
    peer.send(submit(1));
    peer.send(Wait{.tag = Tag{2}, .job = JobId{101}});
    peer.send(piece(1, "x", false));
    peer.send(piece(2, "x", false));
    CHECK(heard_by(peer) == Lines{"accepted 1:102", "error 1 not_found", "error 2 not_found"});
    peer.end_input();
    finish(102);
    CHECK(heard_by(peer) == Lines{"result 1 succeeded"});
    CHECK_FALSE(is_over(2));
    finish(101, "late");
    CHECK(heard_by(peer) == Lines{"result 2 succeeded late"});
    CHECK(is_over(2));
}

TEST_CASE_FIXTURE(DeskFixture, "a submit in pieces may be cancelled before it is whole")
{
    Peer& peer = connect_binary();
    peer.send(submit_more(1, 10, "ab"));
    peer.send(Cancel{.tag = Tag{1}});
    CHECK(heard_by(peer) == Lines{"error 1 not_found"});
    peer.send(piece(1, "cd", false));
    CHECK(heard_by(peer).empty());
    peer.send(submit(1));
    CHECK(heard_by(peer) == Lines{"accepted 1:101"});
}

TEST_CASE_FIXTURE(DeskFixture, "a payload comes in a descriptor, and is judged")
{
    Peer& peer = connect_binary();
    const auto blob = make_blob(1000);
    const int fds[] = {blob->get()};
    Submit with = submit(1);
    with.has_blob = true;
    with.size = 1000;
    peer.send(with, fds);
    CHECK(heard_by(peer) == Lines{"accepted 1:101"});
    CHECK(desk.record(JobId{101}).submission.content.payload_size() == 1000);
    CHECK(desk.record(JobId{101}).submission.content.blob());
    with.tag = Tag{2};
    for (const std::uint64_t size : {1001U, 499U}) {  // of one larger, or less than half as large
        with.size = size;
        peer.send(with, fds);
        CHECK(heard_by(peer) == Lines{"error 2 bad_descriptor"});
    }
    peer.send(with);  // none came along
    CHECK(heard_by(peer) == Lines{"error 2 bad_descriptor"});
    const std::string path = "/proc/self/fd/" + std::to_string(blob->get());
    const UniqueFd deaf{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
    const int unreadable[] = {deaf.get()};
    with.size = 1000;
    peer.send(with, unreadable);
    CHECK(heard_by(peer) == Lines{"error 2 bad_descriptor"});
}

TEST_CASE_FIXTURE(DeskFixture, "descriptors that no frame speaks of are closed")
{
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
    const UniqueFd reading{ends[0]};
    UniqueFd writing{ends[1]};
    const std::vector<int> fds(15, writing.get());
    Peer& peer = connect_binary();
    Bytes ping;
    encode(Ping{.tag = Tag{1}}, ping);
    peer.say(ping, fds);
    peer.say(ping, fds);
    CHECK(heard_by(peer).size() == 2);
    CHECK_FALSE(is_over(1));
    Peer& json = connect();
    json.say(bytes_of("{\"op\":\"ping\",\"id\":\"1\"}\n"), fds);
    CHECK(heard_by(json).size() == 1);
    // The pipe reads its end only when the last copy of its other end is closed.
    writing.reset();
    char byte = 0;
    CHECK(::read(reading.get(), &byte, 1) == 0);
}

TEST_CASE_FIXTURE(DeskFixture, "descriptors that come when few are left are not kept")
{
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
    const UniqueFd reading{ends[0]};
    UniqueFd writing{ends[1]};
    std::vector<UniqueFd> others;  // whatever comes now has a higher number than these
    while (others.empty() || others.back().get() < 50) {
        others.emplace_back(::fcntl(reading.get(), F_DUPFD_CLOEXEC, 0));
    }
    rlimit usual{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual) == 0);
    const rlimit tight{.rlim_cur = static_cast<rlim_t>(others.back().get()) + 30,
                       .rlim_max = usual.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
    settings.credit_jobs = 1;
    Peer& peer = connect_binary();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &usual) == 0);
    peer.send(submit(1));
    peer.send(submit(2));
    CHECK(heard_by(peer) == Lines{"accepted 1:101 x2"});
    // The session does not listen: the message and its descriptor wait for their turn.
    const int fds[] = {writing.get()};
    Submit with = submit(3);
    with.has_blob = true;
    with.size = 1000;
    peer.send(with, fds);
    settle();
    finish(101);
    finish(102);
    CHECK(heard_by(peer).back() ==
          "error 3 busy of " + std::to_string(static_cast<std::uint64_t>(tight.rlim_cur)));
    writing.reset();
    char byte = 0;
    CHECK(::read(reading.get(), &byte, 1) == 0);
}

TEST_CASE_FIXTURE(DeskFixture,
                  "a payload that no memory can be had for is refused with a moment to come back")
{
    desk.set_limits({.room = {.payload = unlimited, .bytes = unlimited}});
    Peer& peer = connect_binary();
    peer.send(submit_more(1, UINT64_MAX, "x"));
    CHECK(heard_by(peer) == Lines{"error 1 busy"});
    CHECK(desk.admission().all().jobs == 0);
}

TEST_CASE_FIXTURE(DeskFixture, "a payload counts whole while its pieces come, and no longer")
{
    desk.set_limits({.room = {.bytes_per_user = 100}});
    Peer& peer = connect_binary();
    peer.send(submit_more(1, 90, "abc"));
    peer.send(submit(2, "hello world"));
    CHECK(heard_by(peer) == Lines{"error 2 busy of 100"});
    // Another session of the same user is refused as well, another user is not.
    Peer& second = connect_binary();
    second.send(submit(1, "hello world"));
    CHECK(heard_by(second) == Lines{"error 1 busy of 100"});
    Peer& other = connect_binary({.uid = 1001});
    other.send(submit(1, "hello world"));
    CHECK(heard_by(other) == Lines{"accepted 1:101"});
    peer.send(Cancel{.tag = Tag{1}});
    peer.send(submit(2, "hello world"));
    CHECK(heard_by(peer) == Lines{"error 1 not_found", "accepted 2:102"});
    CHECK(desk.admission().of(1000U).bytes == 11);
    // Arguments count as well.
    Submit with_args = submit(3, "hello world");
    const std::string args =
        "\x81\xa1"
        "a"
        "\xd9\x4b" +
        std::string(75, 'x');
    with_args.options.args = bytes_of(args);
    peer.send(with_args);
    CHECK(heard_by(peer) == Lines{"error 3 busy of 100"});
    // A whole payload becomes a job, which counts once.
    second.send(submit_more(1, 20, "0123456789"));
    second.send(piece(1, "0123456789", false));
    CHECK(heard_by(second) == Lines{"accepted 1:103"});
    CHECK(desk.admission().of(1000U).bytes == 31);
    CHECK(desk.admission().of(1000U).jobs == 2);
    // Who vanishes in the middle takes what he had announced along.
    second.send(submit_more(2, 50, "x"));
    settle();
    CHECK(desk.admission().of(1000U).bytes == 81);
    second.hang_up();
    CHECK(run_until([&] { return is_over(2); }));
    bury();
    CHECK(desk.admission().of(1000U).bytes == 31);
}
