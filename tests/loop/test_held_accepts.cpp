// SPDX-License-Identifier: MIT
// When `accepted` waits for what comes after it, and when it does not.
#include "tests/loop/desk_fixture.hpp"

using namespace jobmill;
using namespace jobmill::tests;

namespace {

/// A client whose last job took no time.
struct PromptFixture : DeskFixture {
    PromptFixture()
    {
        peer.send(submit(1));
        CHECK(heard_at_once_by(peer) == Lines{"accepted 1:101"});  // nobody knows how long it takes
        finish(101);
        CHECK(heard_at_once_by(peer) == Lines{"result 1 succeeded"});
    }

    Peer& peer = connect_binary();
};

}  // namespace

TEST_CASE_FIXTURE(PromptFixture, "accepted goes out with a result that is there soon")
{
    peer.send(submit(2));
    CHECK(heard_at_once_by(peer).empty());
    CHECK(!held_accepts.empty());
    finish(102);
    CHECK(heard_at_once_by(peer) == Lines{"accepted 2:102", "result 2 succeeded"});
    CHECK(held_accepts.empty());
}

TEST_CASE_FIXTURE(PromptFixture, "accepted is said alone when no result comes")
{
    peer.send(submit(2));
    peer.send(submit(3));
    CHECK(heard_at_once_by(peer).empty());
    held_accepts.release();
    CHECK(heard_at_once_by(peer) == Lines{"accepted 2:102 x2"});
    CHECK(held_accepts.empty());
    held_accepts.release();
    CHECK(heard_at_once_by(peer).empty());
}

TEST_CASE_FIXTURE(PromptFixture, "after a job that took long, accepted is said at once")
{
    peer.send(submit(2));
    settle();
    desk.worker_outcome(JobId{102}) = {.payload = small(""), .run_ns = 1'000'000};
    end(102, JobState::succeeded, core::EndedBy::worker, {SlotId{1}, 1});
    CHECK(heard_at_once_by(peer) == Lines{"accepted 2:102", "result 2 succeeded"});
    peer.send(submit(3));
    CHECK(heard_at_once_by(peer) == Lines{"accepted 3:103"});
}

TEST_CASE_FIXTURE(PromptFixture, "a detached job is accepted at once, and those before it with it")
{
    peer.send(submit(2));
    CHECK(heard_at_once_by(peer).empty());
    peer.send(detached_submit(3));
    CHECK(heard_at_once_by(peer) == Lines{"accepted 2:102 x2"});
    CHECK(held_accepts.empty());
}

TEST_CASE_FIXTURE(PromptFixture, "what else is said says first what was accepted")
{
    const auto with = [&](const auto& request, const std::string& answer) {
        CAPTURE(answer);
        const std::string tag = std::to_string(last_job - 98);
        const std::string job = std::to_string(last_job + 1);
        peer.send(submit(last_job - 98));
        CHECK(heard_at_once_by(peer).empty());
        peer.send(request);
        CHECK(heard_at_once_by(peer) == Lines{"accepted " + tag + ":" + job, answer});
    };
    with(Ping{.tag = Tag{90}}, "pong 90");
    with(Open{.number = 7, .pool = {}, .handler = "echo"}, "opened 7");
    with(Put{.tag = Tag{91}, .size = 0}, "stored");
    with(Cancel{.tag = Tag{92}}, "error 92 not_found");
    peer.send(submit(80));
    CHECK(heard_at_once_by(peer).empty());
    chunk(last_job, small("part"));
    const std::string job = std::to_string(last_job);
    CHECK(heard_at_once_by(peer) == Lines{"accepted 80:" + job, "chunk 80 part"});
}

TEST_CASE_FIXTURE(PromptFixture, "at the end of a client's input nothing is held")
{
    peer.send(submit(2));
    CHECK(heard_at_once_by(peer).empty());
    peer.end_input();
    CHECK(heard_at_once_by(peer) == Lines{"accepted 2:102"});
    CHECK(held_accepts.empty());
}

TEST_CASE_FIXTURE(PromptFixture, "a client that is not read any more has heard of all it submitted")
{
    settings.credit_jobs = 1;
    Peer& poor = connect_binary();
    poor.send(submit(1));
    settle();
    finish(102);
    CHECK(heard_by(poor) == Lines{"accepted 1:102", "result 1 succeeded"});
    poor.send(submit(2));
    CHECK(heard_at_once_by(poor).empty());
    poor.send(submit(3));
    CHECK(heard_at_once_by(poor) == Lines{"accepted 2:103 x2"});
}

TEST_CASE_FIXTURE(PromptFixture, "a session that goes away holds nothing")
{
    peer.send(submit(2));
    CHECK(heard_at_once_by(peer).empty());
    peer.hang_up();
    settle();
    CHECK(is_over(1));
    bury();
    CHECK(held_accepts.empty());
}

TEST_CASE_FIXTURE(DeskFixture, "accepted is held in the JSON spelling as well")
{
    Peer& peer = connect();
    const auto say = [&](const std::string& id) {
        peer.say(R"({"op":"submit","id":")" + id + R"(","handler":"echo"})" + "\n");
    };
    say("a");
    settle();
    finish(101);
    CHECK(heard_at_once_by(peer).size() == 2);
    say("b");
    say("c");
    CHECK(heard_at_once_by(peer).empty());
    finish(103);
    const Lines lines = heard_at_once_by(peer);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0] == R"({"op":"accepted","ids":["b","c"],"job":"102"})");
    CHECK(lines[1].find(R"("id":"c")") != std::string::npos);
}
