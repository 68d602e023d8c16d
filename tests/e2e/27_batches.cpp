// SPDX-License-Identifier: MIT
// Many jobs that are submitted, counted, given up and cancelled together.
#include <chrono>

#include "tests/e2e/job_life.hpp"

namespace jobmill::tests {
namespace {

using Clock = std::chrono::steady_clock;

std::string batch(const std::string& name, const std::string& halt = "")
{
    return R"(,"batch":")" + name + '"' + (halt.empty() ? "" : R"(,"halt":")" + halt + '"');
}

std::int64_t counted(const Daemon& daemon, const std::string& name, const char* what)
{
    return listed(daemon, "batches", "batch", name).integer_at(what);
}

void check_end(JsonClient& client, const char* id, const char* kind, const char* was)
{
    CAPTURE(id);
    const Value result = client.result(id);
    CHECK(result.text_at("state") == "cancelled");
    CHECK(cause_text(result, "kind") == kind);
    CHECK(cause_text(result, "was") == was);
}

/// The answer to a cancel: how many waited, and how many ran.
std::string cancel(JsonClient& client, const std::string& whom)
{
    const Value answer = ask(client, "cancel", whom);
    if (answer.text_at("op") != "cancelled") {
        return std::string{answer.text_at("code")};
    }
    return std::to_string(answer.integer_at("queued")) + " waited, " +
           std::to_string(answer.integer_at("running")) + " ran";
}

}  // namespace

TEST_CASE("many jobs come in one message and are told of one by one")
{
    const Daemon daemon{pool_config(2)};
    JsonClient client = daemon.json();
    client.send(R"({"op":"submit_many","ids":["a","b","c"],"handler":"sum","batch":"sums",)"
                R"("payloads":["10","100","x"]})");
    const Value accepted = client.next("accepted", "a");
    CHECK(accepted.find("ids")->array()->size() == 3);
    CHECK(client.result("a").text_at("payload") == "55");
    CHECK(client.result("b").text_at("payload") == "5050");
    const Value failed = client.result("c");
    CHECK(failed.text_at("state") == "failed");
    const auto first = std::stoull(std::string{accepted.text_at("job")});
    CHECK(failed.text_at("job") == std::to_string(first + 2));
    CHECK(counted(daemon, "sums", "submitted") == 3);
    CHECK(counted(daemon, "sums", "succeeded") == 2);
    CHECK(counted(daemon, "sums", "failed") == 1);
}

TEST_CASE("frames take many jobs as well")
{
    const Daemon daemon{pool_config(2)};
    BinaryClient client = daemon.binary();
    client.send(SubmitMany{.first = Tag{7},
                           .options = {.handler = "sum"},
                           .payloads = {bytes_of("10"), bytes_of("100")}});
    const auto accepted = client.next(MessageType::accepted, 7);
    CHECK(accepted.as<Accepted>().count == 2);
    CHECK(client.result(8).payload == "5050");
    CHECK(client.result(7).payload == "55");
    // None is taken when one cannot be.
    client.submit(11, "until_cancelled");
    client.send(SubmitMany{.first = Tag{10},
                           .options = {.handler = "sum"},
                           .payloads = {bytes_of("10"), bytes_of("100")}});
    CHECK(client.error(10).code == error_code::duplicate_id);
    client.send(Cancel{.tag = Tag{10}, .what = CancelWhat::tag});
    CHECK(client.error(10).code == error_code::not_found);
    client.send(Cancel{.tag = Tag{11}, .what = CancelWhat::tag});
    (void)client.result(11);
    CHECK(daemon.pool().integer_at("done") == 3);
}

TEST_CASE("of many jobs none is taken when one cannot be")
{
    const Daemon daemon{pool_config(1, "max_jobs = 4\n")};
    JsonClient client = daemon.json();
    begin(client, "b", "until_cancelled");
    struct Row {
        const char* ids;
        const char* payloads;
        const char* more;
        const char* code;
    };
    const Row rows[] = {
        {R"("a","b")", R"("1","2")", "", "duplicate_id"},
        {R"("a","c","a")", R"("1","2","3")", "", "duplicate_id"},
        {R"("a","c","d","e")", R"("1","2","3","4")", "", "busy"},
        {R"("a","c")", R"("1","2")", R"(,"pool":"none")", "unknown_pool"},
        {R"("a","c")", R"("1","2")", R"(,"halt":"now,fail=1")", "missing_field"},
        {R"("a","c")", R"("1")", "", "bad_value"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.ids);
        client.send(std::string{R"({"op":"submit_many","handler":"sum","ids":[)"} + row.ids +
                    R"(],"payloads":[)" + row.payloads + "]" + row.more + "}");
        CHECK(client.next("error").text_at("code") == row.code);
    }
    CHECK(daemon.jobs() == 1);
    client.send(R"({"op":"cancel","id":"b"})");
    CHECK(end_of(client, "b") == "succeeded");
    CHECK(daemon.pool().integer_at("done") == 1);
    CHECK(daemon.pool().integer_at("succeeded") == 1);
}

TEST_CASE("a batch that gives up at once cancels those that run as well")
{
    const Daemon daemon{pool_config(3)};
    JsonClient client = daemon.json();
    const std::string in_batch = batch("b", "now,fail=1");
    begin(client, "runs1", "sleep", "1h", in_batch);
    begin(client, "runs2", "block", "", in_batch);
    begin(client, "other", "until_cancelled");
    client.submit("delayed", "sum", "1", in_batch + R"(,"delay_ms":3600000)");
    client.submit("fails", "throw", "no", in_batch + R"(,"priority":9)");
    client.submit("queued", "sum", "1", in_batch);
    client.ping();
    CHECK(counted(daemon, "b", "submitted") == 5);
    CHECK(counted(daemon, "b", "running") == 2);
    CHECK(counted(daemon, "b", "queued") == 2);
    CHECK(counted(daemon, "b", "waiting") == 1);
    client.send(R"({"op":"cancel","id":"other"})");
    CHECK(end_of(client, "other") == "succeeded");
    CHECK(end_of(client, "fails") == "failed");
    check_end(client, "runs1", "halted", "running");
    check_end(client, "runs2", "halted", "running");
    check_end(client, "queued", "halted", "queued");
    check_end(client, "delayed", "halted", "waiting");
    CHECK(counted(daemon, "b", "failed") == 1);
    CHECK(counted(daemon, "b", "cancelled") == 4);
    CHECK(listed(daemon, "batches", "batch", "b").find("halted") != nullptr);

    // Nothing more is taken, one by one or many; another name is another batch.
    client.submit("late", "sum", "1", batch("b"));
    CHECK(client.next("error", "late").text_at("code") == "halted");
    client.send(R"({"op":"submit_many","handler":"sum","ids":["x","y"],"payloads":["1","2"])" +
                batch("b") + "}");
    CHECK(client.next("error", "x").text_at("code") == "halted");
    client.submit("new", "sum", "10", batch("c", "now,fail=1"));
    CHECK(client.result("new").text_at("payload") == "55");
}

TEST_CASE("a batch that gives up soon lets finish what runs")
{
    const Daemon daemon{pool_config(2)};
    JsonClient client = daemon.json();
    const std::string in_batch = batch("b", "soon,fail=1");
    begin(client, "runs", "until_cancelled", "", in_batch);
    // Read together: what comes after the failure is refused, and not queued.
    client.send(R"({"op":"submit","id":"fails","handler":"throw","payload":"no")" + in_batch +
                "}\n" + R"({"op":"submit","id":"queued1","handler":"sum","payload":"1")" +
                in_batch + "}\n" +
                R"({"op":"submit","id":"queued2","handler":"sum","payload":"1")" + in_batch + "}");
    CHECK(end_of(client, "fails") == "failed");
    check_end(client, "queued1", "halted", "queued");
    check_end(client, "queued2", "halted", "queued");
    CHECK(counted(daemon, "b", "running") == 1);
    client.send(R"({"op":"cancel","id":"runs"})");
    CHECK(end_of(client, "runs") == "succeeded");
}

TEST_CASE("a batch that gives up does not try its jobs again")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit(
        "waits", "throw", "no",
        R"(,"retry_failure":5,"backoff_ms":3600000,"started":true)" + batch("b", "soon,fail=1"));
    (void)client.next("retrying", "waits");
    // An attempt is no end.
    CHECK(counted(daemon, "b", "failed") == 0);
    client.submit("fails", "throw", "no", batch("b"));
    CHECK(end_of(client, "fails") == "failed");
    check_end(client, "waits", "halted", "waiting");
}

TEST_CASE("a share of failures counts from the third on")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    const std::string in_batch = batch("b", "soon,fail=30%");
    const std::string handlers[] = {"throw", "throw", "echo", "echo", "echo", "echo", "throw"};
    for (std::size_t i = 0; i < std::size(handlers); ++i) {
        client.submit(std::to_string(i), handlers[i], "x", in_batch);
        CHECK(end_of(client, std::to_string(i)) ==
              (handlers[i] == "throw" ? "failed" : "succeeded"));
    }
    client.submit("late", "echo", "x", in_batch);
    CHECK(client.next("error", "late").text_at("code") == "halted");
}

TEST_CASE("a batch keeps the rule that made it")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    JsonClient other = daemon.json();
    begin(client, "1", "sleep", "1h", batch("b", "now,fail=2"));
    client.submit("2", "echo", "x", batch("b", "now,fail=1"));
    CHECK(client.next("error", "2").text_at("code") == "bad_value");
    // The user's other session is in the same batch.
    other.submit("3", "echo", "x", batch("b", "now,fail=2"));
    other.submit("4", "echo", "x", batch("b"));
    other.ping();
    CHECK(counted(daemon, "b", "submitted") == 3);
    CHECK(cancel(client, R"(,"all":true)") == "2 waited, 1 ran");
}

TEST_CASE("the jobs of a batch or a label are cancelled together and no others")
{
    const Daemon daemon{pool_config(2)};
    JsonClient client = daemon.json();
    JsonClient other = daemon.json();
    for (const std::string& kin : {batch("b"), std::string{R"(,"label":"l")"}}) {
        CAPTURE(kin);
        begin(client, "runs", "sleep", "1h", kin);
        begin(client, "other", "until_cancelled");
        client.submit("queued", "sum", "1", kin);
        client.submit("delayed", "sum", "1", kin + R"(,"delay_ms":3600000)");
        client.submit("stays", "sum", "10");
        client.ping();
        CHECK(cancel(other, kin) == "2 waited, 1 ran");
        check_end(client, "runs", "cancel", "running");
        check_end(client, "queued", "cancel", "queued");
        check_end(client, "delayed", "cancel", "waiting");
        CHECK(client.result("stays").text_at("payload") == "55");
        CHECK(cancel(other, kin) == "not_found");
        client.send(R"({"op":"cancel","id":"other"})");
        CHECK(end_of(client, "other") == "succeeded");
    }
}

TEST_CASE("a session cancels its own jobs, but those that outlive it only one by one")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    JsonClient other = daemon.json();
    begin(client, "runs", "sleep", "1h");
    client.submit("queued", "sum", "1");
    client.submit("outlives", "sum", "1", R"(,"detached":true)");
    other.submit("theirs", "sum", "10");
    client.ping();
    other.ping();
    CHECK(cancel(client, R"(,"session":true)") == "1 waited, 1 ran");
    check_end(client, "runs", "cancel", "running");
    check_end(client, "queued", "cancel", "queued");
    CHECK(other.result("theirs").text_at("payload") == "55");
    CHECK(cancel(client, R"(,"session":true)") == "not_found");
    other.send(R"({"op":"wait","id":"w","job":")" + client.job_of("outlives") + "\"}");
    CHECK(end_of(other, "w") == "succeeded");
}

TEST_CASE("a job that waits for its time is cancelled at once")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("a", "counter", "", R"(,"delay_ms":3600000)");
    client.ping();
    CHECK(listed(daemon, "jobs", "state", "waiting") != Value{});
    client.send(R"({"op":"cancel","id":"a"})");
    check_end(client, "a", "cancel", "waiting");
    CHECK(daemon.jobs() == 0);
}

TEST_CASE("a tree of twenty processes in sessions of their own is gone a second after its cancel")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("tree", "tree_hold", "20");
    const auto pids = pids_in(client.next("chunk", "tree").text_at("payload"));
    REQUIRE(pids.size() == 20);
    CHECK(process_exists(pids.back()));
    const auto begun = Clock::now();
    client.send(R"({"op":"cancel","id":"tree"})");
    check_end(client, "tree", "cancel", "running");
    daemon.await("the tree is gone", [&] { return all_gone(pids); });
    CHECK(Clock::now() - begun < std::chrono::seconds{1});
}

TEST_CASE("who has many batches is told of some, and how many more there are")
{
    const Daemon daemon{pool_config(2)};
    JsonClient client = daemon.json();
    constexpr int count = 1000;
    for (int i = 0; i < count; ++i) {
        const std::string number = std::to_string(1000 + i);
        client.submit(number, "sum", "1", batch(std::string(100, 'b') + number));
    }
    for (int i = 0; i < count; ++i) {
        CHECK(client.result(std::to_string(1000 + i)).text_at("state") == "succeeded");
    }
    const Value status = status_of(daemon);
    const Array& batches = *status.find("batches")->array();
    CHECK(batches.size() == 200);
    CHECK(status.integer_at("more_batches") == count - 200);
    CHECK(status.find("pools")->array()->size() == 1);
}

}  // namespace jobmill::tests
