// SPDX-License-Identifier: MIT
// What is put for many jobs, and when it is dropped; what is lent, and given back.
#include <thread>

#include <doctest/doctest.h>

#include "common/blob.hpp"
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

TEST_CASE("what is put in pieces waits for what is on its way")
{
    ScriptedDaemon daemon{Welcome{.max_inline = 10, .credit_bytes = 100, .server = {}}};
    Conversation& client = daemon.client;
    const Bytes large = filled(60, 'p');
    const Bytes larger = filled(150, 'q');
    CHECK(client.can_submit(60));
    REQUIRE(client.put(large));
    REQUIRE(client.put(larger));
    REQUIRE(client.put(filled(5, 'r')));
    // In turn, though this one would have room beside the first.
    CHECK_FALSE(client.can_submit(20));
    CHECK(client.can_submit(10));
    const Tag refused = *client.put(large);
    REQUIRE(client.put(large));
    REQUIRE(daemon.say(ErrorMessage{.tag = refused, .error = {.code = error_code::busy}}));
    CHECK(daemon.heard() == Names{"hello", "put 1:0+", "put", "piece 1:60", "put 2:0+",
                                  "piece 2:150", "put 5:0+", "piece 5:60"});
    CHECK(client.can_submit(20));
}

TEST_CASE("what is put in pieces waits for payloads of jobs, and jobs for it")
{
    ScriptedDaemon daemon{Welcome{.max_inline = 10, .credit_bytes = 100, .server = {}}};
    Conversation& client = daemon.client;
    const Bytes large = filled(60, 'p');
    const NewJob job{.handler = "a", .payload = large};
    const Tag first = *client.submit(job);
    REQUIRE(client.put(large));
    REQUIRE(daemon.say(ErrorMessage{.tag = first, .error = {.code = error_code::busy}}));
    CHECK(daemon.heard() == Names{"hello", "submit 1:0+", "piece 1:0", "put 2:0+", "piece 2:60"});
    REQUIRE(client.put(large));
    CHECK(client.submit(job).error().code == Errc::in_use);
    CHECK(daemon.heard() == Names{"put 3:0+", "piece 3:60"});
    REQUIRE(client.submit(job));
    CHECK_FALSE(client.can_submit(60));
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
    // NOLINTBEGIN(bugprone-use-after-move): it is what this is about
    CHECK(lent.bytes().empty());
    CHECK(daemon.client.submit({.handler = "a"}, {}, std::move(lent)).error().code ==
          Errc::invalid);
    // NOLINTEND(bugprone-use-after-move)
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

TEST_CASE("results may be let go in any threads")
{
    ScriptedDaemon daemon{
        Welcome{}, 1 << 26, false, {.keep_results = true, .kept = 0, .shared = true}};
    constexpr std::size_t each = 200;
    std::vector<Blob> left;
    std::vector<Blob> right;
    for (std::size_t i = 0; i < 2 * each; ++i) {
        const Tag tag = daemon.accepted_job();
        JobResult result;
        result.tag = tag;
        result.job = JobId{100 + number(tag)};
        result.size = 4096;
        result.has_blob = true;
        daemon.client.received_descriptors().push_back(*make_blob(4096));
        REQUIRE(daemon.say(result));
        (i < each ? left : right).push_back(daemon.event_of<event::JobResult>()->blob);
    }
    (void)daemon.heard();
    std::thread other{[&] {
        while (!left.empty()) {
            left.pop_back();
        }
    }};
    std::size_t returned = 0;
    while (!right.empty()) {
        right.pop_back();
        returned += daemon.heard().size();
    }
    other.join();
    returned += daemon.heard().size();
    CHECK(returned == 2 * each);
}
