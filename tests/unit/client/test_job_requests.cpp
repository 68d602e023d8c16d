// SPDX-License-Identifier: MIT
// What a client may ask for about jobs, and what it hears of their attempts.
#include <doctest/doctest.h>

#include "scripted_daemon.hpp"

using namespace jobmill;
using namespace jobmill::tests;

TEST_CASE("a job's options are sent with it")
{
    ScriptedDaemon daemon;
    const JobOptions options{.priority = -3,
                             .timeout_ms = 1000,
                             .retry_crash = 2,
                             .memory = unlimited,
                             .cpus = "0-1",
                             .batch = "b",
                             .halt = "now,fail=1",
                             .parent = 7};
    REQUIRE(daemon.client.submit({.handler = "sum", .options = options}, options.parent));
    const Sent sent{daemon};
    REQUIRE(sent.all<Submit>().size() == 1);
    CHECK(sent.all<Submit>()[0].options.job == options);
}

TEST_CASE("options that the daemon would refuse are refused here, by name")
{
    ScriptedDaemon daemon;
    const auto refused = [&](const JobOptions& options) {
        const auto tag = daemon.client.submit({.handler = "sum", .options = options});
        REQUIRE_FALSE(tag);
        CHECK(tag.error().code == Errc::invalid);
        return tag.error().what;
    };
    CHECK(refused({.priority = 101}) == "priority: want a whole number of -100 to 100");
    CHECK(refused({.timeout_ms = 0}).starts_with("timeout_ms: "));
    CHECK(refused({.retry_failure = 1001}).starts_with("retry_failure: "));
    CHECK(refused({.cpus = "64"}) == "cpus: want CPUs of 0 to 63");
    CHECK(refused({.batch = "b", .halt = "never"}).starts_with("halt: "));
    CHECK(refused({.halt = "now,fail=1"}).starts_with("batch: "));
    CHECK(daemon.client.unfinished() == 0);
}

TEST_CASE("jobs are cancelled by batch, by label and by session")
{
    ScriptedDaemon daemon;
    const Tag batch = *daemon.client.cancel_named(CancelWhat::batch, "b", IfRunning::stop);
    const Tag label = *daemon.client.cancel_named(CancelWhat::label, "l", IfRunning::let_be);
    const Tag session = daemon.client.cancel({.what = CancelWhat::session}, IfRunning::let_be);
    {
        const Sent sent{daemon};
        const auto cancels = sent.all<Cancel>();
        REQUIRE(cancels.size() == 3);
        CHECK(cancels[0].tag == batch);
        CHECK(cancels[0].what == CancelWhat::batch);
        CHECK(cancels[0].name == "b");
        CHECK_FALSE(cancels[0].unless_running);
        CHECK(cancels[1].what == CancelWhat::label);
        CHECK(cancels[1].name == "l");
        CHECK(cancels[1].unless_running);
        CHECK(cancels[2].what == CancelWhat::session);
        CHECK(cancels[2].unless_running);
    }
    REQUIRE(daemon.say(Cancelled{.tag = session, .queued = 4, .running = 2}));
    const auto cancelled = daemon.event_of<event::Cancelled>();
    REQUIRE(cancelled);
    CHECK(cancelled->tag == session);
    CHECK(cancelled->queued == 4);
    CHECK_FALSE(daemon.client.cancel_named(CancelWhat::batch, "", IfRunning::stop));
    CHECK_FALSE(
        daemon.client.cancel_named(CancelWhat::label, std::string(129, 'l'), IfRunning::stop));
    CHECK(label != batch);
}

TEST_CASE("a job that is let be is told of, and its result is still to come")
{
    ScriptedDaemon daemon;
    const Tag tag = daemon.accepted_job();
    REQUIRE(daemon.client.cancel(tag, IfRunning::let_be));
    {
        const Sent sent{daemon};
        REQUIRE(sent.all<Cancel>().size() == 1);
        CHECK(sent.all<Cancel>()[0].unless_running);
    }
    REQUIRE(daemon.say(ErrorMessage{.tag = tag, .error = {.code = error_code::running}}));
    const auto runs = daemon.event_of<event::StillRunning>();
    REQUIRE(runs);
    CHECK(runs->tag == tag);
    CHECK_FALSE(is_last(ClientEvent{*runs}));
    REQUIRE(daemon.say(
        JobResult{.tag = tag, .job = JobId{100 + number(tag)}, .state = JobState::succeeded}));
    CHECK(daemon.event_of<event::JobResult>());
}

TEST_CASE("a waited job that is let be is waited for on")
{
    ScriptedDaemon daemon;
    const Tag tag = *daemon.client.wait_job(JobId{42});
    REQUIRE(daemon.client.cancel(tag, IfRunning::let_be));
    REQUIRE(daemon.say(ErrorMessage{.tag = tag, .error = {.code = error_code::running}}));
    REQUIRE(daemon.event_of<event::StillRunning>());
    CHECK(daemon.client.unfinished() == 1);
    SUBCASE("to its result")
    {
        REQUIRE(daemon.say(JobResult{.tag = tag, .job = JobId{42}}));
        CHECK(daemon.event_of<event::JobResult>());
    }
    SUBCASE("to an error about the waiting")
    {
        REQUIRE(daemon.say(ErrorMessage{.tag = tag, .error = {.code = error_code::gone}}));
        CHECK(daemon.event_of<event::JobError>());
    }
    CHECK(daemon.client.unfinished() == 0);
}

TEST_CASE("a retried job is accepted under the request's tag, with its new number")
{
    ScriptedDaemon daemon{Welcome{.credit_jobs = 1, .server = {}}};
    const Tag tag = daemon.client.retry_job(JobId{5});
    CHECK_MESSAGE(daemon.client.can_submit(0), "it takes no credit");
    {
        const Sent sent{daemon};
        REQUIRE(sent.all<Retry>().size() == 1);
        CHECK(sent.all<Retry>()[0].job == JobId{5});
    }
    REQUIRE(daemon.say(Accepted{.first = tag, .job = JobId{9}, .count = 1}));
    const auto event = daemon.event();
    REQUIRE(event);
    CHECK(std::get<event::Accepted>(*event).job == JobId{9});
    CHECK(is_last(*event));
    CHECK(daemon.client.open_tags() == 0);
}

TEST_CASE("a retry of what is not kept is refused")
{
    ScriptedDaemon daemon;
    const Tag tag = daemon.client.retry_job(JobId{5});
    ErrorMessage message{.tag = tag, .error = {}};
    message.error.code = "not_found";
    REQUIRE(daemon.say(message));
    CHECK(daemon.event_of<event::JobError>()->error.code == "not_found");
    CHECK(daemon.client.open_tags() == 0);
}

TEST_CASE("what may run is adjusted, and the answer tells of all")
{
    ScriptedDaemon daemon;
    const auto tag = daemon.client.adjust({.pool = "p", .max_running = unlimited, .weight = 50});
    REQUIRE(tag);
    {
        const Sent sent{daemon};
        const auto requests = sent.all<AdjustRequest>();
        REQUIRE(requests.size() == 1);
        CHECK(requests[0].pool == "p");
        CHECK(requests[0].max_running == unlimited);
        CHECK(requests[0].weight == 50);
    }
    REQUIRE(daemon.say(AdjustReply{.tag = *tag, .body = Value{Map{{"max_running", Value{4}}}}}));
    CHECK(daemon.event_of<event::Adjusted>()->body.integer_at("max_running") == 4);
    CHECK_FALSE(daemon.client.adjust({.max_running = 0}));
    CHECK_FALSE(daemon.client.adjust({.pool = "p", .weight = 1001}));
    CHECK_FALSE(daemon.client.adjust({.pool = "p", .label = "l"}));
    CHECK_FALSE(daemon.client.adjust({.weight = 5}));
    CHECK_FALSE(daemon.client.adjust({.pool = std::string_view{std::string(129, 'p')}}));
}

TEST_CASE("an attempt that did not succeed is told before the next begins")
{
    ScriptedDaemon daemon;
    const Tag tag = daemon.accepted_job({.handler = "echo", .started = true});
    Retrying retrying;
    retrying.tag = tag;
    retrying.job = JobId{100 + number(tag)};
    retrying.attempt = 1;
    retrying.worker = SlotId{3};
    retrying.delay_ns = 5'000'000;
    retrying.state = JobState::timed_out;
    retrying.cause.edit().kind = "timeout";
    REQUIRE(daemon.say(retrying));
    const auto event = daemon.event();
    REQUIRE(event);
    CHECK_FALSE(is_last(*event));
    CHECK(tag_of(*event) == tag);
    const auto& told = std::get<event::Retrying>(*event);
    CHECK(told.state == JobState::timed_out);
    CHECK(told.delay_ns == 5'000'000);
    CHECK(told.cause->kind == "timeout");
    CHECK(daemon.client.unfinished() == 1);
}

TEST_CASE("a result tells of its attempts and of what the last one took")
{
    ScriptedDaemon daemon;
    const Tag tag = daemon.accepted_job();
    JobResult result;
    result.tag = tag;
    result.job = JobId{100 + number(tag)};
    result.attempt = 2;
    result.usage = {.cpu_ns = 7, .peak_rss = 4096, .approximate = true};
    result.attempts = {{.state = JobState::crashed, .worker = SlotId{1}, .run_ns = 5, .cause = {}}};
    REQUIRE(daemon.say(result));
    const auto event = daemon.event_of<event::JobResult>();
    REQUIRE(event);
    CHECK(event->attempt == 2);
    CHECK(event->usage == result.usage);
    CHECK(event->attempts == result.attempts);
}

TEST_CASE("a parent is sent when it is known, and only then")
{
    ScriptedDaemon daemon;
    REQUIRE(daemon.client.submit({.handler = "sum"}, 117));
    REQUIRE(daemon.client.submit({.handler = "sum"}));
    const std::vector<ByteView> payloads(1);
    REQUIRE(daemon.client.submit_many(payloads, {.handler = "sum"}, 118));
    const Sent sent{daemon};
    CHECK(sent.all<Submit>()[0].options.job->parent == 117);
    CHECK_FALSE(sent.all<Submit>()[1].options.job->parent.has_value());
    CHECK(sent.all<SubmitMany>()[0].options.job->parent == 118);
}
