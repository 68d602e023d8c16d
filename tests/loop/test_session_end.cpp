// SPDX-License-Identifier: MIT
// Credit, the end of the input, and what a session still owes then.
#include "tests/loop/desk_fixture.hpp"

using namespace jobmill;
using namespace jobmill::tests;

TEST_CASE_FIXTURE(DeskFixture, "beyond its credit a session waits until results have gone out")
{
    settings.credit_jobs = 2;
    Peer& peer = connect_binary();
    for (std::uint64_t tag = 1; tag <= 6; ++tag) {
        peer.send(submit(tag));
    }
    CHECK(heard_by(peer) == Lines{"accepted 1:101 x3"});
    finish(102);
    CHECK(heard_by(peer) == Lines{"result 2 succeeded", "accepted 4:104"});
    finish(101);
    finish(103);
    CHECK(heard_by(peer) == Lines{"result 1 succeeded", "result 3 succeeded", "accepted 5:105 x2"});
}

TEST_CASE_FIXTURE(DeskFixture, "within its credit a client is never made to wait")
{
    settings.credit_jobs = 2;
    settings.credit_bytes = 10;
    Peer& peer = connect_binary();
    peer.send(submit(1, "12345"));
    peer.send(submit(2, "12345"));
    CHECK(heard_by(peer) == Lines{"accepted 1:101 x2"});
    peer.send(Ping{.tag = Tag{9}});
    peer.send(Cancel{.tag = Tag{2}});
    CHECK(heard_by(peer) == Lines{"pong 9"});
    REQUIRE(told<core::CancelRequested>().size() == 1);
    CHECK(told<core::CancelRequested>()[0].job == JobId{102});
}

TEST_CASE_FIXTURE(DeskFixture, "a single payload may be above the credit")
{
    settings.credit_bytes = 10;
    Peer& peer = connect_binary();
    peer.send(submit(1, "12345678901234567890"));
    peer.send(Ping{.tag = Tag{9}});
    CHECK(heard_by(peer).back() == "pong 9");
    peer.send(submit(2, "x"));
    peer.send(Ping{.tag = Tag{9}});
    CHECK(heard_by(peer) == Lines{"accepted 2:102"});
    finish(101);
    CHECK(heard_by(peer) == Lines{"result 1 succeeded", "pong 9"});
}

TEST_CASE_FIXTURE(DeskFixture, "detached jobs take no credit")
{
    settings.credit_jobs = 1;
    Peer& peer = connect_binary();
    for (std::uint64_t tag = 1; tag <= 3; ++tag) {
        peer.send(detached_submit(tag));
    }
    CHECK(heard_by(peer) == Lines{"accepted 1:101 x3"});
}

TEST_CASE_FIXTURE(DeskFixture, "payloads that are on their way are bounded by the credit")
{
    settings.credit_bytes = 100;
    Peer& peer = connect_binary();
    peer.send(submit_more(1, 1000, "a"));
    peer.send(submit_more(2, 1000, "b"));
    CHECK(heard_by(peer) == Lines{"error 2 busy of 100"});
    peer.send(piece(2, "b", false));
    peer.send(piece(1, std::string(999, 'a'), false));
    CHECK(heard_by(peer) == Lines{"accepted 1:101"});
}

TEST_CASE_FIXTURE(DeskFixture, "so many payloads at most are on their way as the credit has jobs")
{
    settings.credit_jobs = 2;
    Peer& peer = connect_binary();
    for (std::uint64_t tag = 1; tag <= 3; ++tag) {
        peer.send(submit_more(tag, 10, "a"));
    }
    CHECK(heard_by(peer) == Lines{"error 3 busy of 2"});
}

TEST_CASE_FIXTURE(DeskFixture, "at the end of the input results still come, then the end")
{
    Peer& peer = connect_binary();
    peer.send(submit(1));
    peer.send(submit(2));
    peer.end_input();
    CHECK(heard_by(peer) == Lines{"accepted 1:101 x2"});
    finish(102, "b");
    CHECK(heard_by(peer) == Lines{"result 2 succeeded b"});
    CHECK_FALSE(is_over(1));
    finish(101, large(300'000));
    CHECK(heard_by(peer).back() == "piece 1 37856");
    CHECK(is_over(1));
}

TEST_CASE_FIXTURE(DeskFixture,
                  "a result that comes when its client has just gone is lent to nobody")
{
    Peer& peer = connect();
    peer.say(preamble);
    peer.send(Hello{.takes_blobs = true});
    peer.send(submit(1));
    peer.send(submit(2));
    CHECK(heard_by(peer) == Lines{"welcome", "accepted 1:101 x2"});
    finish(101, large(300'000));
    CHECK(desk.lent_results().bytes() == 300'000);
    peer.hang_up();
    REQUIRE(run_until([&] { return is_over(1); }));
    finish(102, large(300'000));
    bury();
    CHECK(desk.lent_results().bytes() == 0);
}

TEST_CASE_FIXTURE(DeskFixture, "requests that a stalled session has not read are not forgotten")
{
    settings.credit_jobs = 1;
    Peer& peer = connect();
    std::string lines;
    for (const char* id : {"a", "b", "c", "d"}) {
        lines += std::string{"{\"op\":\"submit\",\"id\":\""} + id + "\",\"handler\":\"echo\"}\n";
    }
    lines.pop_back();
    peer.say(lines);
    peer.end_input();
    (void)heard_by(peer);
    for (std::uint64_t job = 101; job <= 104; ++job) {
        CHECK_FALSE(is_over(1));
        REQUIRE(desk.knows(JobId{job}));
        finish(job);
        (void)heard_by(peer);
    }
    CHECK(is_over(1));
}

TEST_CASE_FIXTURE(DeskFixture, "a frame that the input ends in is an error, and jobs go on")
{
    Peer& peer = connect_binary();
    peer.send(submit(1));
    peer.say("\x01\x02");
    peer.end_input();
    CHECK(heard_by(peer) == Lines{"accepted 1:101", "error 0 bad_frame"});
    CHECK_FALSE(is_over(1));
    finish(101);
    CHECK(heard_by(peer) == Lines{"result 1 succeeded"});
    CHECK(is_over(1));
}

TEST_CASE_FIXTURE(DeskFixture, "a payload that the input ends in is given up")
{
    Peer& peer = connect_binary();
    Submit refused = submit_more(3, 10);
    refused.options.handler = "none";
    peer.send(submit_more(1, 10, "ab"));
    peer.send(submit_more(2, 10, "ab"));
    peer.send(refused);
    CHECK(heard_by(peer) == Lines{"error 3 unknown_handler"});
    peer.end_input();
    CHECK(heard_by(peer) == Lines{"error 1 bad_value", "error 2 bad_value"});
    CHECK(is_over(1));
}

TEST_CASE_FIXTURE(DeskFixture, "a session whose input has ended waits for the answers it asked for")
{
    for (const bool json : {false, true}) {
        CAPTURE(json);
        Peer& owner = connect_binary();
        owner.send(submit(1));
        (void)heard_by(owner);
        Peer& peer = json ? connect() : connect_binary();
        if (json) {
            peer.say("{\"op\":\"cancel\",\"id\":\"c\",\"all\":true}\n");
        } else {
            peer.send(Cancel{.tag = Tag{7}, .what = CancelWhat::all});
        }
        peer.end_input();
        CHECK(heard_by(peer).empty());
        CHECK_FALSE(is_over(peers.size()));
        end(last_job, JobState::cancelled, core::EndedBy::cancel, {SlotId{1}, 1});
        CHECK(heard_by(peer) ==
              Lines{json ? "{\"op\":\"cancelled\",\"id\":\"c\",\"queued\":0,\"running\":1}"
                         : "cancelled 7 0/1"});
        CHECK(is_over(peers.size()));
    }
}

TEST_CASE_FIXTURE(DeskFixture, "a cancel of many jobs leaves the loop its turns, and ends as one")
{
    constexpr std::size_t turn = daemon::MassCancels::jobs_a_turn;
    Peer& peer = connect_binary();
    for (std::uint64_t tag = 1; tag <= turn + 2; ++tag) {
        peer.send(submit(tag));
    }
    (void)heard_by(peer);
    peer.send(Cancel{.tag = Tag{9}, .what = CancelWhat::all});
    settle();
    CHECK(told<core::CancelRequested>().size() == turn);
    REQUIRE(told<core::UserSuspended>().size() == 1);
    CHECK(told<core::UserSuspended>().back().suspended);
    end(101, JobState::cancelled, core::EndedBy::cancel);
    finish(last_job, "");  // it was first
    desk.mass_cancels().go_on();
    CHECK(told<core::CancelRequested>().size() == turn + 1);
    CHECK_FALSE(told<core::UserSuspended>().back().suspended);
    for (std::uint64_t job = 102; job < last_job; ++job) {
        end(job, JobState::cancelled, core::EndedBy::cancel);
    }
    CHECK(heard_by(peer).back() == "cancelled 9 " + std::to_string(turn + 1) + "/0");
}

TEST_CASE_FIXTURE(DeskFixture,
                  "who cancels what has to be looked for among many waits for his turn")
{
    Peer& owner = connect_binary();
    for (std::uint64_t tag = 1; tag <= daemon::MassCancels::jobs_a_look + 1; ++tag) {
        owner.send(detached_submit(tag));
        settle();
    }
    (void)heard_by(owner);
    const std::vector<Peer*> askers{&connect(), &connect()};
    for (const Peer* asker : askers) {
        asker->say(
            "{\"op\":\"cancel\",\"id\":\"1\",\"label\":\"none\"}\n"
            "{\"op\":\"cancel\",\"id\":\"2\",\"label\":\"none\"}\n"
            "{\"op\":\"ping\",\"id\":\"3\"}\n");
    }
    settle();
    const auto said = [&](std::size_t who) { return heard_by(*askers[who]).size(); };
    CHECK(said(0) + said(1) == 0);
    // One look a turn, and each has one of his own before anybody has two.
    desk.mass_cancels().go_on();
    CHECK(said(0) == 1);
    CHECK(said(1) == 0);
    desk.mass_cancels().go_on();
    CHECK(said(1) == 1);
    CHECK(said(0) == 0);
    desk.mass_cancels().go_on();
    CHECK(said(0) == 2);
    desk.mass_cancels().go_on();
    CHECK(said(1) == 2);
    CHECK(desk.mass_cancels().empty());
    // What was asked is done though nobody waits for the answer.
    askers[0]->say("{\"op\":\"cancel\",\"all\":true}\n");
    settle();
    peers[1]->hang_up();
    REQUIRE(run_until([&] { return !over.empty(); }));
    bury();
    CHECK(told<core::CancelRequested>().empty());
    desk.mass_cancels().go_on();
    CHECK(told<core::CancelRequested>().size() == daemon::MassCancels::jobs_a_turn);
}

TEST_CASE_FIXTURE(DeskFixture, "a job that is tried again by hand asks for what it had asked for")
{
    pools.entry(PoolId{0}).settings.queue_timeout = 10s;
    Submit asked = submit(1);
    asked.options.want_started = true;
    asked.options.want_progress = true;
    asked.options.job.edit().delay_ms = 5000;
    asked.options.job.edit().priority = 3;
    core::Duration waits = 10s;
    SUBCASE("and waits as long as its pool says") {}
    SUBCASE("or as long as it had said")
    {
        asked.options.job.edit().queue_timeout_ms = 20'000;
        waits = 20s;
    }
    Peer& peer = connect_binary();
    peer.send(asked);
    CHECK(heard_by(peer) == Lines{"accepted 1:101"});
    desk.ended({.job = JobId{101},
                .state = JobState::crashed,
                .by = core::EndedBy::worker_death,
                .worker = {SlotId{1}, 1},
                .was = JobState::running,
                .poison = true});
    peer.send(Retry{.tag = Tag{2}, .job = JobId{101}});
    CHECK(heard_by(peer) == Lines{"result 1 crashed", "accepted 2:102"});
    const core::JobTerms terms = told<core::JobSubmitted>().back().terms;
    CHECK(terms.priority == 3);
    CHECK(terms.delay == 0s);
    CHECK(terms.queue_timeout == waits);
    const daemon::Submission& again = desk.record(JobId{102}).submission;
    CHECK(again.detached);
    CHECK(again.want_started);
    CHECK(again.want_progress);
}

TEST_CASE_FIXTURE(DeskFixture, "no more than so many jobs are looked at in a turn for cancels")
{
    Peer& owner = connect_binary();
    for (std::uint64_t tag = 1; tag <= daemon::MassCancels::jobs_a_look / 2 + 1; ++tag) {
        owner.send(detached_submit(tag));
        settle();
    }
    (void)heard_by(owner);
    Peer& asker = connect();
    for (int i = 0; i < 3; ++i) {
        asker.say("{\"op\":\"cancel\",\"id\":\"1\",\"label\":\"none\"}\n");
    }
    CHECK(heard_by(asker).size() == 1);
    desk.mass_cancels().go_on();
    CHECK(heard_by(asker).size() == 1);
    desk.mass_cancels().go_on();
    CHECK(heard_by(asker).size() == 1);
    CHECK(desk.mass_cancels().empty());
}

TEST_CASE_FIXTURE(DeskFixture,
                  "a cancel is under way until it is answered, whatever else has its id")
{
    Peer& peer = connect_binary();
    peer.send(detached_submit(1));
    CHECK(heard_by(peer) == Lines{"accepted 1:101"});
    const Cancel cancel{.tag = Tag{5}, .what = CancelWhat::job, .job = JobId{101}};
    peer.send(cancel);
    const auto asked_again = [&](const char* other) {
        peer.send(cancel);
        CHECK(heard_by(peer) == Lines{other, "error 5 duplicate_id"});
    };
    peer.send(Ping{.tag = Tag{5}});
    asked_again("pong 5");
    peer.send(Retry{.tag = Tag{5}, .job = JobId{7}});
    asked_again("error 5 not_found");
    peer.send(HandlersRequest{.tag = Tag{5}});
    asked_again("handlers 5");
    end(101, JobState::cancelled, core::EndedBy::cancel);
    CHECK(heard_by(peer) == Lines{"cancelled 5 1/0"});
    // Answered, and its id is free.
    peer.send(cancel);
    CHECK(heard_by(peer) == Lines{"error 5 not_found"});
    peer.send(cancel);
    CHECK(heard_by(peer) == Lines{"error 5 not_found"});
}

TEST_CASE_FIXTURE(DeskFixture, "the many jobs of a client that is gone go over several turns")
{
    constexpr std::size_t turn = daemon::MassCancels::jobs_a_turn;
    Peer& peer = connect_binary();
    peer.send(detached_submit(1));
    for (std::uint64_t tag = 2; tag <= turn + 2; ++tag) {
        peer.send(submit(tag));
    }
    (void)heard_by(peer);
    peer.hang_up();
    REQUIRE(run_until([&] { return !over.empty(); }));
    bury();
    CHECK(told<core::CancelRequested>().size() == turn);
    CHECK(told<core::SessionLost>().empty());
    desk.mass_cancels().go_on();
    CHECK(told<core::CancelRequested>().size() == turn + 1);
    CHECK(told<core::CancelRequested>().front().job == JobId{102});
    CHECK(told<core::SessionLost>().size() == 1);
    CHECK_FALSE(told<core::UserSuspended>().back().suspended);
}

TEST_CASE_FIXTURE(DeskFixture, "cancelling what there is none of is an error, not a wait")
{
    Peer& peer = connect_binary();
    peer.send(Cancel{.tag = Tag{1}, .what = CancelWhat::all});
    peer.send(Cancel{.tag = Tag{2}, .what = CancelWhat::job, .job = JobId{55}});
    peer.send(Cancel{.tag = Tag{3}});
    peer.end_input();
    CHECK(heard_by(peer) == Lines{"error 1 not_found", "error 2 not_found", "error 3 not_found"});
    CHECK(is_over(1));
}

TEST_CASE_FIXTURE(DeskFixture, "of jobs that are let be a cancel says that they run")
{
    Peer& peer = connect_binary();
    peer.send(submit(1));
    peer.send(submit(2));
    peer.send(Cancel{.tag = Tag{1}, .unless_running = true});
    peer.send(Cancel{.tag = Tag{2}, .unless_running = true});
    peer.send(Cancel{.tag = Tag{7}, .what = CancelWhat::session, .unless_running = true});
    CHECK(heard_by(peer) == Lines{"accepted 1:101 x2"});
    for (const auto& asked : told<core::CancelRequested>()) {
        CHECK(asked.unless_running);
    }
    desk.let_be(JobId{101});
    CHECK(heard_by(peer) == Lines{"error 1 running"});
    end(102, JobState::cancelled, core::EndedBy::cancel);
    CHECK(heard_by(peer) == Lines{"result 2 cancelled", "cancelled 7 1/1"});
    finish(101);
    CHECK(heard_by(peer) == Lines{"result 1 succeeded"});
}

TEST_CASE_FIXTURE(DeskFixture, "who wants a job gone hears so when it is, whoever lets it be")
{
    Peer& peer = connect_binary();
    peer.send(submit(1));
    peer.send(Cancel{.tag = Tag{7}, .what = CancelWhat::job, .job = JobId{101}});
    peer.send(
        Cancel{.tag = Tag{8}, .what = CancelWhat::job, .job = JobId{101}, .unless_running = true});
    CHECK(heard_by(peer) == Lines{"accepted 1:101"});
    desk.let_be(JobId{101});
    CHECK(heard_by(peer) == Lines{"cancelled 8 0/1"});
    end(101, JobState::cancelled, core::EndedBy::cancel, WorkerId{SlotId{1}, 1});
    CHECK(heard_by(peer) == Lines{"result 1 cancelled", "cancelled 7 0/1"});
}

TEST_CASE_FIXTURE(DeskFixture, "when the daemon leaves, a session sends what it has")
{
    Peer& peer = connect_binary();
    peer.send(submit(1));
    peer.send(submit(2));
    CHECK(heard_by(peer) == Lines{"accepted 1:101 x2"});
    finish(101, large(600'000));
    sessions.at(1)->finish();
    CHECK_FALSE(is_over(1));
    peer.send(Ping{.tag = Tag{9}});
    const Lines lines = heard_by(peer);
    CHECK(lines.front() == "result 1 succeeded 600000+");
    CHECK(lines.back() == "piece 1 10176");
    CHECK(is_over(1));
}

TEST_CASE_FIXTURE(DeskFixture, "an announcement is for who has said how to speak to him")
{
    Peer& silent = connect();
    Peer& begun = connect();
    begun.say(ByteView{greeting()}.first(4));
    Peer& binary = connect_binary();
    Peer& json = connect();
    json.say("{\"op\":\"ping\"}\n");
    (void)heard_by(json);
    for (const auto& [number, session] : sessions) {
        session->announce(Closing{.grace_ms = 5});
    }
    CHECK(heard_by(silent).empty());
    CHECK(heard_by(begun).empty());
    CHECK(heard_by(binary) == Lines{"closing"});
    CHECK(heard_by(json) == Lines{R"({"op":"closing","grace_ms":5})"});
}

TEST_CASE_FIXTURE(DeskFixture, "who says hello to a daemon that stops is told so at once")
{
    Peer& peer = connect();
    closing = true;
    peer.say(greeting());
    CHECK(heard_by(peer) == Lines{"welcome", "closing"});
}

TEST_CASE_FIXTURE(DeskFixture, "an idle session is over as soon as it is to finish")
{
    (void)connect_binary();
    sessions.at(1)->finish();
    CHECK(is_over(1));
    sessions.at(1)->finish();
}

TEST_CASE_FIXTURE(DeskFixture, "a client that does not take its last words is left in the end")
{
    settings.patience.linger = 10ms;
    Peer& peer = connect_binary();
    peer.send(submit(1));
    CHECK(heard_by(peer) == Lines{"accepted 1:101"});
    finish(101, large(2'000'000));
    peer.send(submit_more(1, 10));  // a tag in use: the end of this session
    CHECK(run_until([&] { return is_over(1); }));
    CHECK(peer.received() < 2'000'000);
}

TEST_CASE_FIXTURE(DeskFixture,
                  "who waits for the answers to too many cancels is not read meanwhile")
{
    Peer& peer = connect();
    peer.say(R"({"op":"submit","id":"j","handler":"echo"})"
             "\n");
    CHECK(heard_by(peer).size() == 1);
    constexpr std::size_t cancels = 1500;
    std::string lines;
    for (std::size_t i = 0; i < cancels; ++i) {
        lines += R"({"op":"cancel","id":"c)" + std::to_string(i) + R"(","job":"101"})" + '\n';
    }
    peer.say(lines);
    CHECK(heard_by(peer).empty());
    CHECK(told<core::CancelRequested>().size() == 1025);
    end(101, JobState::cancelled, core::EndedBy::cancel);
    // The others find no such job any more.
    CHECK(heard_by(peer).size() == 1 + cancels);
}

TEST_CASE_FIXTURE(DeskFixture, "two cancels that wait for their answers have two tags")
{
    Peer& peer = connect_binary();
    peer.send(submit(1));
    for (int i = 0; i < 2; ++i) {
        peer.send(Cancel{.tag = Tag{7}, .what = CancelWhat::job, .job = JobId{101}});
    }
    CHECK(heard_by(peer) == Lines{"accepted 1:101", "error 7 duplicate_id"});
    end(101, JobState::cancelled, core::EndedBy::cancel);
    CHECK(heard_by(peer) == Lines{"result 1 cancelled", "cancelled 7 1/0"});
    peer.send(Cancel{.tag = Tag{7}, .what = CancelWhat::job, .job = JobId{101}});
    CHECK(heard_by(peer) == Lines{"error 7 not_found"});
}
