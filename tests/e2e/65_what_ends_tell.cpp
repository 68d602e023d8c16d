// SPDX-License-Identifier: MIT
// What every end of a job tells beside its state, however it came.
#include <csignal>

#include "tests/e2e/job_life.hpp"

namespace jobmill::tests {
namespace {

constexpr std::uint64_t mebibyte = 1U << 20U;

void submit_confession(JsonClient& client, const std::string& id, const std::string& how,
                       const std::string& options = "")
{
    client.submit(id, "confess", how, options);
    (void)client.next("chunk", id);
}

void check_traces(const Value& result)
{
    CHECK(cause_text(result, "stderr") == "words of the job\n");
    CHECK(cause_text(result, "note") == "third");
    REQUIRE(result.find("cause") != nullptr);
    CHECK(result.find("cause")->integer_at("done") == 3);
    CHECK(result.find("cause")->integer_at("total") == 10);
    CHECK(cause_text(result, "stack").empty());
}

}  // namespace

TEST_CASE("a job that fails tells the end of its standard error and its last progress")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("before", "stderr_spam", "1");
    CHECK(client.result("before").text_at("state") == "succeeded");
    submit_confession(client, "fails", "fail");
    const Value failed = client.result("fails");
    CHECK(failed.text_at("state") == "failed");
    CHECK(cause_text(failed, "kind") == "error");
    CHECK(cause_text(failed, "text") == "it gave up");
    check_traces(failed);
    client.submit("after", "throw", "another");
    const Value after = client.result("after");
    CHECK(cause_text(after, "stderr").empty());
    CHECK(after.find("cause")->find("done") == nullptr);
}

TEST_CASE("so does each attempt that failed")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("a", "confess", "fail", R"(,"started":true,"retry_failure":1)");
    check_traces(client.next("retrying", "a"));
    check_traces(client.result("a"));
}

TEST_CASE("a running job that is cancelled tells the same, whether it gives in or not")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    for (const char* const how : {"yield", "hold"}) {
        CAPTURE(how);
        submit_confession(client, how, how);
        client.send(R"({"op":"cancel","id":")" + std::string{how} + "\"}");
        const Value cancelled = client.result(how);
        CHECK(cancelled.text_at("state") == "cancelled");
        CHECK(cause_text(cancelled, "kind") == "cancel");
        CHECK(cause_text(cancelled, "was") == "running");
        CHECK(cause_text(cancelled, "text").empty());
        check_traces(cancelled);
    }
}

TEST_CASE("so does one that is stopped with its batch or with the daemon")
{
    Daemon daemon{pool_config(2)};
    JsonClient client = daemon.json();
    submit_confession(client, "halted", "hold", R"(,"batch":"b","halt":"now,fail=1")");
    client.submit("fails", "throw", "", R"(,"batch":"b","halt":"now,fail=1")");
    const Value halted = client.result("halted");
    CHECK(cause_text(halted, "kind") == "halted");
    check_traces(halted);
    submit_confession(client, "stopped", "hold");
    daemon.signal(SIGTERM);
    (void)client.next("closing");
    daemon.signal(SIGTERM);
    const Value stopped = client.result("stopped");
    CHECK(cause_text(stopped, "kind") == "stopping");
    check_traces(stopped);
}

TEST_CASE("what a job had at most is told of one that ends with its worker, too")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    const std::uint64_t much = 64 * mebibyte;
    client.submit("before", "eat", std::to_string(much));
    CHECK(client.result("before").text_at("state") == "succeeded");
    // Not the memory that the job before it had.
    const auto check_peak = [&](const Value& result) {
        CAPTURE(result.text_at("state"));
        REQUIRE(result.find("peak_rss") != nullptr);
        CHECK(result.integer_at("peak_rss") > 100'000);
        CHECK((sanitized || result.integer_at("peak_rss") < std::int64_t{much}));
        CHECK(result.find("approx") != nullptr);
    };
    client.submit("crashes", "segv");
    check_peak(client.result("crashes"));
    client.submit("late", "block", "", R"(,"timeout_ms":20)");
    check_peak(client.result("late"));
    client.submit("over", "cpu", "60000", R"(,"cpu_ms":1)");
    check_peak(client.result("over"));
    submit_confession(client, "cancelled", "hold");
    client.send(R"({"op":"cancel","id":"cancelled"})");
    check_peak(client.result("cancelled"));
}

TEST_CASE("not even a worker that had great children tells a wrong peak")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    submit_shell(client, "command", "x=$(head -c 50000000 /dev/zero | tr '\\\\0' x); exit 0", "");
    CHECK(client.result("command").integer_at("peak_rss") > 50'000'000);
    submit_confession(client, "cancelled", "hold");
    client.send(R"({"op":"cancel","id":"cancelled"})");
    const Value cancelled = client.result("cancelled");
    REQUIRE(cancelled.find("peak_rss") != nullptr);
    CHECK((sanitized || cancelled.integer_at("peak_rss") < 50'000'000));
}

TEST_CASE("a job that never ran has nothing to tell")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    submit_confession(client, "runs", "yield");
    client.submit("waits", "echo");
    client.send(R"({"op":"cancel","id":"waits"})");
    const Value cancelled = client.result("waits");
    CHECK(cause_text(cancelled, "was") == "queued");
    CHECK(cause_text(cancelled, "stderr").empty());
}

}  // namespace jobmill::tests
