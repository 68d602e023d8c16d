// SPDX-License-Identifier: MIT
// Whose jobs a client sees and touches: every request about jobs, by their owner in another
// session, by another user, and by an admin.
#include "tests/loop/desk_fixture.hpp"

using namespace jobmill;
using namespace jobmill::tests;

namespace {

constexpr daemon::Identity owner{.uid = 1000};
constexpr daemon::Identity other{.uid = 1001};
constexpr daemon::Identity admin{.uid = 1002, .admin = true};

/// Three jobs of the owner: 101 is attached, 102 detached, 103 detached and finished.
class RightsFixture : public DeskFixture {
public:
    RightsFixture()
    {
        Peer& peer = connect_binary(owner);
        peer.send(submit(1));
        for (const std::uint64_t tag : {2U, 3U}) {
            Submit detached = submit(tag);
            detached.options.detached = true;
            peer.send(detached);
        }
        REQUIRE(heard_by(peer) == Lines{"accepted 1:101 x3"});
        finish(103, "done");
        on_event = [this](const core::Event& event) {
            if (const auto* cancel = std::get_if<core::CancelRequested>(&event)) {
                end(number(cancel->job), JobState::cancelled, core::EndedBy::cancel);
            }
        };
    }

    /// What a client that speaks JSON is told.
    std::string asks(const daemon::Identity& who, const std::string& line)
    {
        Peer& peer = connect(who);
        peer.say(line + "\n");
        std::string all;
        for (const std::string& heard : heard_by(peer)) {
            all += heard;
        }
        return all;
    }
    /// The numbers and owners that a status has, "101 102:1000".
    std::string listed(const daemon::Identity& who, const std::vector<JobId>& wanted = {})
    {
        std::string all;
        for (const Value& job : desk.list(who, wanted).first) {
            all.append(all.empty() ? "" : " ").append(job.text_at("job"));
            if (job.find("uid") != nullptr) {
                all += ":" + std::to_string(job.integer_at("uid"));
            }
        }
        return all;
    }
};

constexpr const char* cancelled_one = R"({"op":"cancelled","id":"x","queued":1,"running":0})";

/// The same but for the number.
std::string with_number(std::string text, const std::string& from, const std::string& to)
{
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from)) {
        text.replace(at, from.size(), to);
    }
    return text;
}

}  // namespace

TEST_CASE_FIXTURE(RightsFixture, "the owner cancels and waits from any session of his")
{
    CHECK(asks(owner, R"({"op":"cancel","id":"x","job":"101"})") == cancelled_one);
    CHECK(asks(owner, R"({"op":"wait","id":"x","job":"103"})").find("succeeded") !=
          std::string::npos);
    CHECK(asks(owner, R"({"op":"wait","id":"x","job":"102"})").empty());
    CHECK(asks(owner, R"({"op":"cancel","id":"x","job":"102"})") == cancelled_one);
}

TEST_CASE_FIXTURE(RightsFixture, "an admin cancels and waits for the jobs of all")
{
    CHECK(asks(admin, R"({"op":"cancel","id":"x","job":"101"})") == cancelled_one);
    CHECK(asks(admin, R"({"op":"wait","id":"x","job":"103"})").find("succeeded") !=
          std::string::npos);
    CHECK(asks(admin, R"({"op":"wait","id":"x","job":"102"})").empty());
    CHECK(asks(owner, R"({"op":"wait","id":"x","job":"102"})").find("busy") != std::string::npos);
    CHECK(asks(admin, R"({"op":"cancel","id":"x","job":"102"})") == cancelled_one);
}

TEST_CASE_FIXTURE(RightsFixture, "to another user it is as if the jobs were not there")
{
    for (const char* job : {"101", "102", "103"}) {
        for (const std::string op : {"cancel", "wait"}) {
            CAPTURE(job);
            CAPTURE(op);
            const std::string line = "{\"op\":\"" + op + R"(","id":"x","job":")";
            const std::string told = asks(other, line + job + "\"}");
            CHECK(told.find("\"not_found\"") != std::string::npos);
            // Word for word what he is told of a job that never was.
            CHECK(with_number(told, job, "999") == asks(other, line + "999\"}"));
        }
    }
    CHECK(told<core::CancelRequested>().empty());
    CHECK(desk.unfinished() == 2);
}

TEST_CASE_FIXTURE(RightsFixture, "how another's job ended is not told either")
{
    (void)asks(owner, R"({"op":"cancel","id":"x","job":"101"})");
    CHECK(asks(owner, R"({"op":"cancel","id":"x","job":"101"})").find("already cancelled") !=
          std::string::npos);
    CHECK(asks(admin, R"({"op":"cancel","id":"x","job":"101"})").find("already cancelled") !=
          std::string::npos);
    CHECK(asks(other, R"({"op":"cancel","id":"x","job":"101"})").find("already") ==
          std::string::npos);
}

TEST_CASE_FIXTURE(RightsFixture, "to cancel all is to cancel one's own, for an admin, too")
{
    for (const daemon::Identity& who : {other, admin}) {
        CHECK(asks(who, R"({"op":"cancel","id":"x","all":true})").find("not_found") !=
              std::string::npos);
    }
    CHECK(desk.unfinished() == 2);
    CHECK(asks(owner, R"({"op":"cancel","id":"x","all":true})") ==
          R"({"op":"cancelled","id":"x","queued":2,"running":0})");
}

TEST_CASE_FIXTURE(RightsFixture,
                  "a status lists what its asker may touch, an admin's says whose it is")
{
    Peer& peer = connect_binary(other);
    peer.send(submit(1));
    (void)heard_by(peer);
    CHECK(listed(owner) == "101 102 103");
    CHECK(listed(other) == "104");
    CHECK(listed(admin) == "101:1000 102:1000 104:1001 103:1000");
    const std::vector<JobId> some{JobId{101}, JobId{103}, JobId{104}, JobId{999}};
    CHECK(listed(owner, some) == "101 103");
    CHECK(listed(other, some) == "104");
    CHECK(listed(admin, some) == "101:1000 104:1001 103:1000");
    CHECK(desk.list(other, {}).second == 0);
    CHECK(desk.list(admin, {}).second == 0);
}

TEST_CASE_FIXTURE(RightsFixture, "a tag is of its own session, and reaches no other's job")
{
    CHECK(asks(owner, R"({"op":"cancel","id":"1"})").find("not_found") != std::string::npos);
    Peer& peer = connect_binary(owner);
    peer.send(Cancel{.tag = Tag{1}});
    CHECK(heard_by(peer) == Lines{"error 1 not_found"});
}
