// SPDX-License-Identifier: MIT
// What is put for many jobs, and when it is dropped.
#include <doctest/doctest.h>

#include "scripted_daemon.hpp"

using namespace jobmill;
using namespace jobmill::tests;

namespace {

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("what is dropped before it is stored is dropped when it is")
{
    ScriptedDaemon daemon{Welcome{.max_inline = 10, .server = {}}};
    const Bytes payload = filled(20, 'p');
    const Tag tag = *daemon.client.put(payload);
    REQUIRE(daemon.client.drop(tag));
    CHECK(daemon.client.submit({.handler = "a", .blob = tag}).error().code == Errc::not_found);
    const std::vector<Tag> inputs{tag};
    CHECK(daemon.client.submit({.handler = "a", .inputs = inputs}).error().code == Errc::not_found);
    CHECK(daemon.heard() == Names{"hello", "put 1:0+", "piece 1:20"});
    REQUIRE(daemon.say(Stored{tag}));
    CHECK(daemon.event_of<event::Stored>()->tag == tag);
    CHECK(daemon.heard() == Names{"drop"});
    CHECK(daemon.client.drop(tag).error().code == Errc::not_found);
}

TEST_CASE("what is stored is dropped at once, and once")
{
    ScriptedDaemon daemon;
    const Tag tag = *daemon.client.put(bytes_of("words"));
    REQUIRE(daemon.say(Stored{tag}));
    (void)daemon.heard();
    REQUIRE(daemon.client.drop(tag));
    CHECK(daemon.heard() == Names{"drop"});
    CHECK(daemon.client.drop(tag).error().code == Errc::not_found);
    CHECK(daemon.heard().empty());
}

TEST_CASE("nothing is dropped that was not put, or was refused")
{
    ScriptedDaemon daemon;
    const Tag job = daemon.accepted_job();
    const Tag waited = *daemon.client.wait_job(JobId{7});
    const Tag refused = *daemon.client.put(bytes_of("words"));
    REQUIRE(daemon.client.drop(refused));
    REQUIRE(daemon.say(ErrorMessage{.tag = refused, .error = {.code = error_code::busy}}));
    (void)daemon.heard();
    for (const Tag tag : {job, waited, refused, Tag{}, Tag{99}}) {
        CHECK(daemon.client.drop(tag).error().code == Errc::not_found);
    }
    CHECK(daemon.heard().empty());
}

TEST_CASE("what was lent is submitted once")
{
    ScriptedDaemon daemon;
    LentBlob lent = *daemon.client.lend(100);
    REQUIRE(daemon.client.submit({.handler = "a"}, {}, std::move(lent)));
    // NOLINTNEXTLINE(bugprone-use-after-move): it is what this is about
    CHECK(daemon.client.submit({.handler = "a"}, {}, std::move(lent)).error().code ==
          Errc::invalid);
    CHECK(daemon.client.submit({.handler = "a"}, {}, LentBlob{}).error().code == Errc::invalid);
    CHECK(daemon.client.unfinished() == 1);
}

TEST_CASE("more than the daemon takes is not lent, nor more than there can be")
{
    ScriptedDaemon daemon{Welcome{.max_payload = 1 << 20, .server = {}}};
    CHECK(daemon.client.lend((1 << 20) + 1).error().code == Errc::invalid);
    CHECK(daemon.client.lend(1 << 20));
    ScriptedDaemon endless{Welcome{.max_payload = ~std::uint64_t{0}, .server = {}}};
    CHECK(endless.client.lend(~std::size_t{0}).error().code == Errc::exhausted);
}

TEST_CASE("an answer that nobody asked for is said in plain words")
{
    ScriptedDaemon daemon;
    CHECK(daemon.say(Stored{Tag{5}}).error().what ==
          "the daemon sent a bad answer for tag 5: nothing was asked under it");
}
