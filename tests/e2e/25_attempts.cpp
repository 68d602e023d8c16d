// SPDX-License-Identifier: MIT
// Jobs that are tried again, and those that are not any more.
#include <string>

#include "common/limits.hpp"
#include "jobmill/client.hpp"
#include "tests/e2e/job_life.hpp"

namespace jobmill::tests {
namespace {

constexpr auto at_once = R"(,"backoff_ms":1,"started":true)";

/// What `retrying` says of the attempt that has ended.
Value next_retry(JsonClient& client, std::string_view id)
{
    return client.next("retrying", id);
}

}  // namespace

TEST_CASE("a job that crashed is tried again and every attempt is told")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("a", "segv", "", std::string{R"(,"retry_crash":1)"} + at_once);
    const Value retrying = next_retry(client, "a");
    CHECK(retrying.text_at("state") == "crashed");
    CHECK(retrying.integer_at("attempt") == 1);
    CHECK(retrying.integer_at("worker") == 1);
    CHECK(retrying.real_at("delay_ms") <= 1);
    CHECK(cause_text(retrying, "signal") == "SIGSEGV");
    const Value result = client.result("a");
    CHECK(result.text_at("state") == "crashed");
    CHECK(result.integer_at("attempt") == 2);
    CHECK(cause_text(result, "signal") == "SIGSEGV");
    CHECK(cause_of(result, "poison") == Value{});
    REQUIRE(attempts_of(result) == "crashed");
    const Value& first = result.find("attempts")->array()->at(0);
    CHECK(cause_text(first, "signal") == "SIGSEGV");
    CHECK(first.integer_at("worker") == 1);
    CHECK(daemon.pool().integer_at("retried") == 1);
    CHECK(daemon.pool().integer_at("crashed") == 1);
}

TEST_CASE("who asks to be told of attempts that have ended is not told when they start")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("a", "throw", "no", R"(,"retry_failure":2,"backoff_ms":1,"retrying":true)");
    std::vector<std::string> told;
    while (told.empty() || told.back() != "result") {
        const auto message = client.next();
        REQUIRE(message);
        if (message->text_at("op") != "accepted") {
            told.emplace_back(message->text_at("op"));
        }
    }
    CHECK(told == std::vector<std::string>{"retrying", "retrying", "result"});
}

TEST_CASE("each cause has attempts of its own")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("fails", "throw", "no", std::string{R"(,"retry_failure":2)"} + at_once);
    const Value failed = client.result("fails");
    CHECK(failed.text_at("state") == "failed");
    CHECK(failed.integer_at("attempt") == 3);
    CHECK(attempts_of(failed) == "failed failed");
    CHECK(cause_text(failed, "text") == "no");

    client.submit("late", "sleep", "1h",
                  std::string{R"(,"retry_timeout":1,"timeout_ms":20)"} + at_once);
    const Value late = client.result("late");
    CHECK(late.text_at("state") == "timed_out");
    CHECK(attempts_of(late) == "timed_out");
    CHECK(late.find("attempts")->array()->at(0).real_at("run_ms") >= 20);

    for (const char* const other : {R"(,"retry_crash":5,"retry_timeout":5)", ""}) {
        client.submit("once", "throw", "no", std::string{other} + at_once);
        const Value once = client.result("once");
        CHECK(once.text_at("state") == "failed");
        CHECK(once.find("attempt") == nullptr);
        CHECK(once.find("attempts") == nullptr);
    }
}

TEST_CASE("a job that succeeds at last has succeeded, and what it cost before is told")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    submit_shell(client, "a", "echo try; mkdir " + daemon.place().directory() + "/second",
                 R"(,"retry_failure":3)" + std::string{at_once});
    CHECK(end_of(client, "a") == "succeeded");
    submit_shell(client, "b", "echo try; ! mkdir " + daemon.place().directory() + "/third",
                 R"(,"retry_failure":3)" + std::string{at_once});
    CHECK(client.next("chunk", "b").text_at("payload") == "try\n");
    CHECK(client.next("started", "b").integer_at("attempt") == 1);
    CHECK(cause_of(next_retry(client, "b"), "exit_code") == Value{1});
    CHECK(client.next("chunk", "b").text_at("payload") == "try\n");
    CHECK(client.next("started", "b").integer_at("attempt") == 2);
    const Value result = client.result("b");
    CHECK(result.text_at("state") == "succeeded");
    CHECK(result.integer_at("attempt") == 2);
    CHECK(attempts_of(result) == "failed");
    CHECK(result.find("cause") == nullptr);
    CHECK(daemon.pool().integer_at("failed") == 0);
}

TEST_CASE("the time that a job waited is told without that of its earlier attempts")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("a", "sleep", "1h",
                  std::string{R"(,"retry_timeout":2,"timeout_ms":400)"} + at_once);
    const Value result = client.result("a");
    CHECK(attempts_of(result) == "timed_out timed_out");
    CHECK(result.real_at("run_ms") >= 400);
    CHECK(result.real_at("queue_ms") < 800);  // what its attempts have run
}

TEST_CASE("a pool says how often jobs are tried that do not say it themselves")
{
    const Daemon daemon{pool_config(1) + "retry_failure = 1\nbackoff = \"1ms\"\n"};
    JsonClient client = daemon.json();
    client.submit("default", "throw", "no");
    CHECK(client.result("default").integer_at("attempt") == 2);
    client.submit("never", "throw", "no", R"(,"retry_failure":0)");
    CHECK(client.result("never").find("attempt") == nullptr);
}

TEST_CASE("a job that crashes too many workers is set aside, and can be tried by hand")
{
    const Daemon daemon{pool_config(1) + "poison_after = 2\n"};
    JsonClient client = daemon.json();
    client.submit("a", "segv", "", std::string{R"(,"label":"bad","retry_crash":9)"} + at_once);
    const std::string job = client.job_of("a");
    const Value result = client.result("a");
    CHECK(result.text_at("state") == "crashed");
    CHECK(result.integer_at("attempt") == 2);
    CHECK(cause_of(result, "poison") == Value{true});
    CHECK(cause_text(result, "signal") == "SIGSEGV");
    const Value aside = listed(daemon, "poison", "job", job);
    CHECK(aside.text_at("handler") == "segv");
    CHECK(aside.text_at("pool") == "default");
    CHECK(aside.text_at("label") == "bad");
    CHECK(cause_text(aside, "signal") == "SIGSEGV");

    // By another session: it is the user's.
    JsonClient other = daemon.json();
    const Value accepted = ask(other, "retry", R"(,"job":")" + job + '"');
    REQUIRE(accepted.text_at("op") == "accepted");
    const std::string again{accepted.text_at("job")};
    CHECK(again != job);
    other.send(R"({"op":"wait","id":"w","job":")" + again + "\"}");
    const Value second = other.result("w");
    CHECK(second.text_at("job") == again);
    CHECK(cause_of(second, "poison") == Value{true});
    CHECK(attempts_of(second) == "crashed");
    CHECK(listed(daemon, "poison", "job", job) == Value{});
    CHECK(listed(daemon, "poison", "job", again) != Value{});
    CHECK(ask(other, "retry", R"(,"job":")" + job + '"').text_at("code") == "not_found");
}

TEST_CASE("what was set aside has the payload that it came with, whatever its client sends then")
{
    const Daemon daemon{pool_config(1) + "poison_after = 1\n"};
    const auto padded = [](const char* text) {
        std::string payload{text};
        payload.resize(limits::inline_payload + 1, ' ');
        return payload;
    };
    const std::string first = padded("SIGSEGV");
    const std::string second = padded("SIGILL");
    auto client = Client::connect(daemon.socket());
    REQUIRE(client);
    const auto poison = client->run({.handler = "die", .payload = bytes_of(first)});
    REQUIRE(poison);
    REQUIRE(poison->result.cause->poison);
    REQUIRE(client->run({.handler = "echo", .payload = bytes_of(second)}));

    const auto retry = client->retry_job(poison->result.job);
    REQUIRE(retry);
    const auto accepted = client->answer(*retry);
    REQUIRE(accepted);
    const auto wait = client->wait_job(std::get<event::Accepted>(*accepted).job);
    REQUIRE(wait);
    const auto end = client->answer(*wait);
    REQUIRE(end);
    CHECK(std::get<event::JobResult>(*end).cause->signal == "SIGSEGV");
}

TEST_CASE("poison that was a batch's and a job's own is tried again without them")
{
    const Daemon daemon{pool_config(1) + "poison_after = 1\n"};
    std::string job;
    {
        JsonClient client = daemon.json();
        client.submit("a", "segv", "", R"(,"batch":"b","halt":"now,fail=1","delay_ms":5)");
        job = client.job_of("a");
        CHECK(cause_of(client.result("a"), "poison") == Value{true});
    }
    JsonClient other = daemon.json();
    const Value accepted = ask(other, "retry", R"(,"job":")" + job + '"');
    REQUIRE(accepted.text_at("op") == "accepted");
    other.send(R"({"op":"wait","id":"w","job":")" + std::string{accepted.text_at("job")} + "\"}");
    CHECK(end_of(other, "w") == "crashed");
}

TEST_CASE("a job that was cancelled is never tried again")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    const std::string all = R"(,"retry_crash":9,"retry_timeout":9,"retry_failure":9)";
    begin(client, "runs", "block", "", all);
    client.send(R"({"op":"cancel","id":"runs"})");
    const Value cancelled = client.result("runs");
    CHECK(cancelled.text_at("state") == "cancelled");
    CHECK(cancelled.find("attempts") == nullptr);

    client.submit("waits", "throw", "no", all + R"(,"started":true,"backoff_ms":3600000)");
    CHECK(next_retry(client, "waits").real_at("delay_ms") > 1'000'000);
    const Value job = listed(daemon, "jobs", "state", "waiting");
    CHECK(job.integer_at("attempt") == 2);
    CHECK(daemon.pool().integer_at("waiting") == 1);
    client.send(R"({"op":"cancel","id":"waits"})");
    const Value waited = client.result("waits");
    CHECK(waited.text_at("state") == "cancelled");
    CHECK(cause_text(waited, "was") == "waiting");
    CHECK(attempts_of(waited) == "failed");
    CHECK(daemon.pool().integer_at("retried") == 1);
}

TEST_CASE("a worker killed from outside costs an attempt and nothing else")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("whose", "pid");
    const pid_t worker = pids_in(client.result("whose").text_at("payload")).at(0);
    begin(client, "a", "until_cancelled", "", R"(,"retry_crash":1,"backoff_ms":1)");
    CHECK(daemon.kill_child(worker));
    CHECK(cause_text(next_retry(client, "a"), "signal") == "SIGKILL");
    CHECK(client.next("started", "a").integer_at("attempt") == 2);
    (void)client.next("chunk", "a");  // it looks at its flag
    client.send(R"({"op":"cancel","id":"a"})");
    const Value result = client.result("a");
    CHECK(result.text_at("state") == "succeeded");
    CHECK(attempts_of(result) == "crashed");
}

}  // namespace jobmill::tests
