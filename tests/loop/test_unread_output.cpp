// SPDX-License-Identifier: MIT
// How much a client may leave unread, and what becomes of its jobs when it is more.
#include "tests/loop/desk_fixture.hpp"

using namespace jobmill;
using namespace jobmill::tests;

TEST_CASE_FIXTURE(DeskFixture, "a client's jobs wait while it has large results before it")
{
    Peer& peer = connect_binary();
    peer.send(submit(1));
    peer.send(submit(2));
    (void)heard_by(peer);
    finish(101, large(60'000'000));
    settle();
    CHECK(told<core::SessionBehind>().empty());
    finish(102, large(3'000'000));
    settle();
    REQUIRE(told<core::SessionBehind>().size() == 1);
    CHECK(told<core::SessionBehind>().back().behind);
    (void)heard_by(peer);
    REQUIRE(told<core::SessionBehind>().size() == 2);
    CHECK_FALSE(told<core::SessionBehind>().back().behind);
}

TEST_CASE_FIXTURE(DeskFixture, "who has read much may have much before it")
{
    Peer& peer = connect_binary();
    for (std::uint64_t tag = 1; tag <= 4; ++tag) {
        peer.send(submit(tag));
    }
    (void)heard_by(peer);
    finish(101, large(20'000'000));
    for (int turns = 0; peer.received() < 20'000'000 && turns < 1000; ++turns) {
        settle();
        peer.listen(1'000'000);
    }
    (void)heard_by(peer);
    const std::size_t before = told<core::SessionBehind>().size();
    finish(102, large(15'000'000));
    finish(103, large(15'000'000));
    settle();
    CHECK(told<core::SessionBehind>().size() == before);
    finish(104, large(8'000'000));
    settle();
    CHECK(told<core::SessionBehind>().size() == before + 1);
}

TEST_CASE_FIXTURE(DeskFixture, "the more a user has unread the less each session may have")
{
    desk.set_limits({.output = {.user = 4'000'000, .all = 16'000'000}});
    Peer& silent = connect_binary({.uid = 1000});
    Peer& own = connect_binary({.uid = 1000});
    Peer& other = connect_binary({.uid = 1001});
    for (Peer* peer : {&silent, &own, &other}) {
        peer->send(submit(1));
        peer->send(submit(2));
        (void)heard_by(*peer);
    }
    finish(101, large(6'000'000));
    finish(103, large(1'000'000));
    finish(105, large(1'000'000));
    settle();
    CHECK(told<core::SessionBehind>().empty());
    finish(102, large(1'000'000));
    finish(104, large(1'000'000));
    finish(106, large(1'000'000));
    settle();
    REQUIRE(told<core::SessionBehind>().size() == 2);
    CHECK(told<core::SessionBehind>().at(0).session == SessionId{1});
    CHECK(told<core::SessionBehind>().at(1).session == SessionId{2});
    (void)heard_by(own);
    REQUIRE(told<core::SessionBehind>().size() == 3);
    CHECK(told<core::SessionBehind>().at(2).session == SessionId{2});
    CHECK_FALSE(told<core::SessionBehind>().at(2).behind);
}

TEST_CASE_FIXTURE(DeskFixture, "many that never read hold all sessions of their user until they go")
{
    desk.set_limits({.output = {.user = 1'500'000, .all = 100'000'000}});
    Peer& idle = connect_binary();
    std::vector<Peer*> silent;
    for (std::size_t i = 0; i <= daemon::OutputRoom::most_hoarders; ++i) {
        silent.push_back(&connect_binary());
        silent.back()->send(submit(1));
        (void)heard_by(*silent.back());
    }
    const auto last_word = [&] {
        std::optional<bool> behind;
        for (const core::SessionBehind& each : told<core::SessionBehind>()) {
            behind = each.session == SessionId{1} ? std::optional{each.behind} : behind;
        }
        return behind;
    };
    for (std::uint64_t job = 101; job < last_job; ++job) {
        finish(job, large(500'000));
    }
    settle();
    CHECK_FALSE(last_word().has_value());
    finish(last_job, large(500'000));
    settle();
    CHECK(last_word() == true);
    for (Peer* peer : silent) {
        peer->hang_up();
    }
    CHECK(run_until([&] { return over.size() == silent.size(); }));
    CHECK(last_word() == false);
    bury();
    idle.send(submit(1));
    CHECK(heard_by(idle).size() == 1);
}

TEST_CASE_FIXTURE(DeskFixture, "kept results are handed over as there is room for what is unread")
{
    desk.set_limits({.output = {.user = 1'000'000, .all = 2'000'000}});
    Peer& silent = connect_binary();
    silent.send(submit(1));
    silent.send(detached_submit(2));
    (void)heard_by(silent);
    finish(101, large(1'500'000));
    finish(102, large(200'000));
    Peer& reader = connect_binary();
    reader.send(Wait{.tag = Tag{8}, .job = JobId{102}});
    CHECK(heard_by(reader) == Lines{"error 8 busy"});
    (void)heard_by(silent);
    reader.send(Wait{.tag = Tag{8}, .job = JobId{102}});
    CHECK(heard_by(reader).front() == "result 8 succeeded 200000+");
}

TEST_CASE_FIXTURE(DeskFixture, "who is handed much is asked for more when it has read that")
{
    Peer& owner = connect_binary();
    for (std::uint64_t tag = 1; tag <= 3; ++tag) {
        owner.send(detached_submit(tag));
    }
    (void)heard_by(owner);
    Peer& reader = connect_binary();
    for (std::uint64_t job = 101; job <= 103; ++job) {
        finish(job, large(6'000'000));
        reader.send(Wait{.tag = Tag{job}, .job = JobId{job}});
    }
    settle();
    CHECK_FALSE(desk.unread().knows(JobId{102}));
    CHECK(desk.unread().knows(JobId{103}));
    CHECK(hears(reader, "result 103 succeeded 6000000+"));
    CHECK(hears(reader, "piece 103 36224"));
}
