// SPDX-License-Identifier: MIT
// Batches and the submits that name them: what is refused leaves none behind.
#include "tests/loop/desk_fixture.hpp"

using namespace jobmill;
using namespace jobmill::tests;

namespace {

constexpr unsigned user = 1000;

struct Fixture : DeskFixture {
    [[nodiscard]] bool is_there(std::string_view batch) const
    {
        return desk.batches().find(user, batch).has_value();
    }
    [[nodiscard]] std::size_t opened() const { return told<core::BatchOpened>().size(); }
    [[nodiscard]] std::size_t closed() const { return told<core::BatchClosed>().size(); }
};

Submit into(std::string_view batch, Submit submit, std::string_view halt = {})
{
    submit.options.job.edit().batch = batch;
    submit.options.job.edit().halt = halt;
    return submit;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "many jobs of which one cannot be leave no batch")
{
    Peer& peer = connect_binary();
    peer.send(submit(2));
    SubmitMany many{.first = Tag{1}, .options = {.handler = "echo"}};
    many.options.job.edit().batch = "b";
    many.payloads = {bytes_of("x"), bytes_of("y")};
    peer.send(many);
    CHECK(heard_by(peer) == Lines{"accepted 2:101", "error 1 duplicate_id"});
    CHECK_FALSE(is_there("b"));
    CHECK(opened() == 1);
    CHECK(closed() == 1);
}

TEST_CASE_FIXTURE(Fixture, "the rule of a refused submit binds nobody")
{
    Peer& peer = connect_binary();
    Submit bad = into("b", submit(1), "now,fail=1");
    bad.has_blob = true;  // that is not there
    peer.send(bad);
    peer.send(into("b", submit(2), "soon,fail=7"));
    CHECK(heard_by(peer) == Lines{"error 1 bad_descriptor", "accepted 2:101"});
    CHECK(is_there("b"));
}

TEST_CASE_FIXTURE(Fixture, "a submit that is given up before its payload is whole leaves no batch")
{
    Peer& peer = connect_binary();
    peer.send(into("b", submit_more(1, 4, "ab")));
    CHECK(heard_by(peer).empty());
    CHECK(is_there("b"));

    SUBCASE("by a cancel")
    {
        peer.send(Cancel{.tag = Tag{1}});
        CHECK(heard_by(peer) == Lines{"error 1 not_found"});
    }
    SUBCASE("by the end of the input")
    {
        peer.end_input();
        CHECK(heard_by(peer) == Lines{"error 1 bad_value"});
    }
    SUBCASE("by pieces that do not add up")
    {
        peer.send(piece(1, "c", false));
        CHECK(heard_by(peer) == Lines{"error 1 bad_value"});
    }
    SUBCASE("by the end of the session")
    {
        peer.hang_up();
        CHECK(run_until([&] { return is_over(1); }));
        bury();
    }
    CHECK_FALSE(is_there("b"));
    CHECK(closed() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a batch lasts while a payload for it is on its way")
{
    Peer& first = connect_binary({.uid = user});
    Peer& second = connect_binary({.uid = user});
    first.send(into("b", submit(1)));
    CHECK(heard_by(first) == Lines{"accepted 1:101"});
    finish(101);
    second.send(into("b", submit_more(1, 4, "ab")));
    CHECK(heard_by(second).empty());
    first.hang_up();
    CHECK(run_until([&] { return is_over(1); }));
    bury();
    CHECK(is_there("b"));
    second.send(piece(1, "cd", false));
    CHECK(heard_by(second) == Lines{"accepted 1:102"});
    CHECK(opened() == 1);
    CHECK(closed() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a session that was refused does not keep the batch of another")
{
    Peer& first = connect_binary({.uid = user});
    Peer& second = connect_binary({.uid = user});
    first.send(into("b", submit(1)));
    CHECK(heard_by(first) == Lines{"accepted 1:101"});
    finish(101);
    Submit bad = into("b", submit(1));
    bad.has_blob = true;
    second.send(bad);
    CHECK(heard_by(second) == Lines{"error 1 bad_descriptor"});
    CHECK(is_there("b"));
    first.hang_up();
    CHECK(run_until([&] { return is_over(1); }));
    bury();
    CHECK_FALSE(is_there("b"));
}
