// SPDX-License-Identifier: MIT
// Large results in pieces, readers that are slow, and jobs that wait to be read.
#include "tests/loop/desk_fixture.hpp"

using namespace jobmill;
using namespace jobmill::tests;

namespace {

constexpr WorkerId worker{SlotId{1}, 1};

}  // namespace

TEST_CASE_FIXTURE(DeskFixture, "what fits a frame goes in one, what does not goes in pieces")
{
    Peer& peer = connect_binary();
    peer.send(submit(1));
    peer.send(submit(2));
    peer.send(submit(3));
    (void)heard_by(peer);
    finish(101, small(std::string(limits::inline_payload, 'x')));
    CHECK(heard_by(peer) == Lines{"result 1 succeeded 65536"});
    finish(102, small(std::string(limits::inline_payload + 1, 'x')));
    CHECK(heard_by(peer) == Lines{"result 2 succeeded 65537+", "piece 2 65536+", "piece 2 1"});
    finish(103, large(0));
    CHECK(heard_by(peer) == Lines{"result 3 succeeded"});
}

TEST_CASE_FIXTURE(DeskFixture, "pieces of large results take turns, and small results pass between")
{
    Peer& peer = connect_binary();
    for (std::uint64_t tag = 1; tag <= 3; ++tag) {
        peer.send(submit(tag));
    }
    (void)heard_by(peer);
    finish(101, large(1'000'000, 'a'));
    finish(102, large(1'000'000, 'b'));
    finish(103, "small");
    const Lines lines = heard_by(peer);
    const auto at = [&](const std::string& line) {
        return std::find(lines.begin(), lines.end(), line) - lines.begin();
    };
    CHECK(at("result 3 succeeded small") < 8);
    CHECK(at("result 2 succeeded 1000000+") < at("piece 1 16960"));
    // Once both are under way they alternate.
    int alternations = 0;
    for (std::size_t i = 1; i < lines.size(); ++i) {
        alternations += lines[i - 1] == "piece 1 65536+" && lines[i] == "piece 2 65536+" ? 1 : 0;
    }
    CHECK(alternations > 8);
    CHECK(lines.back() == "piece 2 16960");
}

TEST_CASE_FIXTURE(DeskFixture, "the messages of one job keep their order")
{
    Peer& peer = connect_binary();
    peer.send(submit(1));
    (void)heard_by(peer);
    chunk(101, small("first"));
    chunk(101, large(70'000));
    chunk(101, small("third"));
    finish(101, "done");
    CHECK(heard_by(peer) == Lines{"chunk 1 first", "chunk 1 70000+", "piece 1 65536+",
                                  "piece 1 4464", "chunk 1 third", "result 1 succeeded done"});
}

TEST_CASE_FIXTURE(DeskFixture, "a tag is in use until the last piece of its result is out")
{
    Peer& peer = connect_binary();
    peer.send(submit(1));
    (void)heard_by(peer);
    finish(101, large(2'000'000));
    settle();
    peer.send(submit(1));
    settle();
    peer.send(submit(2));
    const Lines lines = heard_by(peer);
    CHECK(std::find(lines.begin(), lines.end(), "error 1 duplicate_id") != lines.end());
    peer.send(submit(1));
    CHECK(heard_by(peer).back() == "accepted 1:103");
}

TEST_CASE_FIXTURE(DeskFixture, "a large result takes no more memory than the reader is behind")
{
    Peer& peer = connect_binary();
    peer.send(submit(1));
    (void)heard_by(peer);
    finish(101, large(10'000'000));
    settle();
    peer.listen();
    CHECK(peer.received() < 1'000'000);
    std::uint64_t turns = 0;
    while (peer.received() < 10'000'000 && ++turns < 1000) {
        settle();
        peer.listen(100'000);
    }
    CHECK(heard_by(peer).back() == "piece 1 38528");
}

TEST_CASE_FIXTURE(DeskFixture,
                  "a worker whose reader does not read waits, and goes on when it does")
{
    Peer& peer = connect_binary();
    peer.send(submit(1));
    (void)heard_by(peer);
    int chunks = 0;
    while (paused.empty() && chunks < 1000) {
        chunk(101, small(std::string(60'000, 'x')));
        ++chunks;
        settle();
    }
    CHECK(chunks > 10);
    CHECK(chunks < 50);
    CHECK(paused.contains(1));
    settle();
    CHECK(paused.contains(1));
    (void)heard_by(peer);
    CHECK(paused.empty());
    CHECK(peer.received() > static_cast<std::uint64_t>(chunks) * 60'000);
}

TEST_CASE_FIXTURE(DeskFixture, "a worker with large chunks waits until few of them are left")
{
    Peer& peer = connect_binary();
    peer.send(submit(1));
    (void)heard_by(peer);
    // A worker that always has another megabyte when it is listened to.
    std::size_t said = 0;
    for (int turns = 0; turns < 300; ++turns) {
        if (paused.empty()) {
            chunk(101, large(1'000'000));
            said += 1'000'000;
        }
        settle();
        peer.listen(200'000);
    }
    CHECK(peer.received() > 20'000'000);
    CHECK(said < peer.received() + 12'000'000);
}

TEST_CASE_FIXTURE(DeskFixture, "a worker is free again once the job that made it wait has ended")
{
    Peer& peer = connect_binary();
    peer.send(submit(1));
    (void)heard_by(peer);
    for (int i = 0; i < 20; ++i) {
        chunk(101, large(100'000));
    }
    CHECK(paused.contains(1));
    finish(101);  // its last words had been read already
    CHECK(paused.empty());
}

TEST_CASE_FIXTURE(DeskFixture, "a worker does not wait for a session that is gone")
{
    Peer& peer = connect_binary();
    peer.send(submit(1));
    (void)heard_by(peer);
    for (int i = 0; i < 20; ++i) {
        chunk(101, large(100'000));
    }
    CHECK(paused.contains(1));
    peer.hang_up();
    CHECK(run_until([&] { return is_over(1); }));
    bury();
    CHECK(paused.empty());
    chunk(101, small("to nobody"));
    CHECK(paused.empty());
}

TEST_CASE_FIXTURE(DeskFixture, "who drains frees its own workers, not another session's")
{
    Peer& slow = connect_binary();
    Peer& quick = connect_binary();
    slow.send(submit(1));
    (void)heard_by(slow);
    quick.send(submit(1));
    (void)heard_by(quick);
    for (int i = 0; i < 20; ++i) {
        chunk(101, large(100'000), {SlotId{1}, 1});
        chunk(102, large(100'000), {SlotId{2}, 1});
    }
    CHECK(paused.size() == 2);
    (void)heard_by(quick);
    CHECK(paused == std::set<std::uint32_t>{1});
    (void)heard_by(slow);
    CHECK(paused.empty());
}

TEST_CASE_FIXTURE(DeskFixture, "a session that does not read its answers is not read either")
{
    Peer& peer = connect_binary();
    Bytes pings;
    const std::string payload(limits::ping_payload, 'x');
    for (int i = 0; i < 100; ++i) {
        encode(Ping{.tag = Tag{1}, .payload = bytes_of(payload)}, pings);
    }
    std::size_t sent = 0;
    for (std::size_t now = 1; now > 0 && sent < 100'000'000; sent += now) {
        now = send_some(peer.socket(), ByteView{pings}.subspan(sent % pings.size())).value();
        settle();
    }
    CHECK(sent < 5'000'000);
    std::uint64_t before = 0;
    while (peer.received() > before || before == 0) {
        before = peer.received() + 1;
        (void)heard_by(peer);
    }
    CHECK(peer.received() >= sent - pings.size());
}

TEST_CASE_FIXTURE(DeskFixture, "a job that is waited for is cancelled by the tag that waits for it")
{
    Peer& owner = connect_binary();
    owner.send(detached_submit(1));
    CHECK(heard_by(owner) == Lines{"accepted 1:101"});
    Peer& reader = connect_binary();
    reader.send(Wait{.tag = Tag{8}, .job = JobId{101}});
    reader.send(Cancel{.tag = Tag{8}});
    CHECK(heard_by(reader).empty());
    const auto cancels = told<core::CancelRequested>();
    REQUIRE(cancels.size() == 1);
    CHECK(cancels[0].job == JobId{101});
    end(101, JobState::cancelled, core::EndedBy::cancel);
    CHECK(heard_by(reader) == Lines{"result 8 cancelled"});
    reader.send(Cancel{.tag = Tag{8}});
    CHECK(heard_by(reader) == Lines{"error 8 not_found"});
    // What it has not submitted takes none of its credit.
    reader.send(submit(8));
    CHECK(heard_by(reader) == Lines{"accepted 8:102"});
}

TEST_CASE_FIXTURE(DeskFixture, "who waits for a detached job hears what it said, then the rest")
{
    Peer& owner = connect_binary();
    owner.send(detached_submit(1));
    CHECK(heard_by(owner) == Lines{"accepted 1:101"});
    owner.end_input();
    (void)heard_by(owner);
    CHECK(is_over(1));
    bury();
    chunk(101, small("early"));
    Peer& reader = connect_binary();
    reader.send(Wait{.tag = Tag{8}, .job = JobId{101}});
    CHECK(heard_by(reader) == Lines{"chunk 8 early"});
    chunk(101, small("late"));
    finish(101, "done");
    CHECK(heard_by(reader) == Lines{"chunk 8 late", "result 8 succeeded done"});
    reader.send(Wait{.tag = Tag{8}, .job = JobId{101}});
    CHECK(heard_by(reader) == Lines{"error 8 not_found"});
}

TEST_CASE_FIXTURE(DeskFixture, "a detached job that is done is told at once, in pieces if large")
{
    Peer& owner = connect_binary();
    owner.send(detached_submit(1));
    (void)heard_by(owner);
    chunk(101, large(70'000));
    finish(101, large(70'000));
    owner.send(Wait{.tag = Tag{1}, .job = JobId{101}});
    CHECK(heard_by(owner) == Lines{"chunk 1 70000+", "piece 1 65536+", "piece 1 4464",
                                   "result 1 succeeded 70000+", "piece 1 65536+", "piece 1 4464"});
}

TEST_CASE_FIXTURE(DeskFixture, "a job is waited for by one session at a time, of its own user")
{
    Peer& owner = connect_binary({.uid = 1000});
    owner.send(detached_submit(1));
    owner.send(submit(2));
    (void)heard_by(owner);
    Peer& other = connect_binary({.uid = 1001});
    other.send(Wait{.tag = Tag{1}, .job = JobId{101}});
    other.send(Cancel{.tag = Tag{2}, .what = CancelWhat::job, .job = JobId{101}});
    other.send(Cancel{.tag = Tag{3}, .what = CancelWhat::all});
    CHECK(heard_by(other) == Lines{"error 1 not_found", "error 2 not_found", "error 3 not_found"});
    CHECK(told<core::CancelRequested>().empty());
    Peer& first = connect_binary({.uid = 1000});
    first.send(Wait{.tag = Tag{1}, .job = JobId{101}});
    first.send(Wait{.tag = Tag{2}, .job = JobId{102}});
    CHECK(heard_by(first) == Lines{"error 2 not_found"});
    owner.send(Wait{.tag = Tag{3}, .job = JobId{101}});
    CHECK(heard_by(owner) == Lines{"error 3 busy"});
    first.hang_up();
    CHECK(run_until([&] { return is_over(3); }));
    bury();
    owner.send(Wait{.tag = Tag{3}, .job = JobId{101}});
    CHECK(heard_by(owner).empty());
    finish(101);
    CHECK(heard_by(owner) == Lines{"result 3 succeeded"});
}

TEST_CASE_FIXTURE(DeskFixture, "a worker's death is the job's cause")
{
    Peer& peer = connect();
    peer.say("{\"op\":\"submit\",\"id\":\"a\",\"handler\":\"echo\"}\n");
    (void)heard_by(peer);
    end(101, JobState::crashed, core::EndedBy::worker_death, worker);
    const Lines lines = heard_by(peer);
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].find("\"state\":\"crashed\"") != std::string::npos);
    CHECK(lines[0].find("\"signal\":\"SIGSEGV\"") != std::string::npos);
}

TEST_CASE_FIXTURE(DeskFixture, "a full desk says so, and when to come back")
{
    Peer& peer = connect_binary();
    Submit begun = submit_more(1, limits::payload + 1);
    peer.send(begun);
    CHECK(heard_by(peer) == Lines{"error 1 too_large"});
}
