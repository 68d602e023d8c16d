// SPDX-License-Identifier: MIT
// Pools that grow and shrink, replace their workers, break and mend, lend a place, or hold back.
#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include "tests/e2e/job_life.hpp"

namespace jobmill::tests {
namespace {

constexpr const char* jobmill_program = JOBMILL_PROGRAM;

std::string pid_of_worker(JsonClient& client)
{
    client.submit("whose", "pid");
    return std::string{client.result("whose").text_at("payload")};
}

/// A command that submits another job and waits for it, so many times over.
std::string nested(int levels)
{
    std::string command;
    for (int i = 1; i < levels; ++i) {
        command += std::string{jobmill_program} + " run -- ";
    }
    return command + jobmill_program + " run sum 100";
}

std::size_t segments_of(pid_t daemon)
{
    std::ifstream maps{"/proc/" + std::to_string(daemon) + "/maps"};
    std::size_t count = 0;
    for (std::string line; std::getline(maps, line);) {
        count += line.find("jobmill-segment") != std::string::npos ? 1U : 0U;
    }
    return count;
}

}  // namespace

TEST_CASE("a pool grows when jobs wait and shrinks when there is nothing to do")
{
    const Daemon daemon{pool_config(3) + "min_workers = 1\nidle_timeout = \"60ms\"\n"};
    daemon.await_workers(1);
    JsonClient client = daemon.json();
    for (int round = 0; round < 2; ++round) {
        for (const char* const id : {"1", "2", "3", "4"}) {
            client.submit(id, "until_cancelled");
        }
        for (const char* const id : {"1", "2", "3"}) {
            (void)client.next("chunk", id);
        }
        const Value pool = daemon.pool();
        CHECK(pool.integer_at("workers") == 3);
        CHECK(pool.integer_at("min_workers") == 1);
        CHECK(pool.integer_at("queued") == 1);
        for (const char* const id : {"1", "2", "3"}) {
            client.send(R"({"op":"cancel","id":")" + std::string{id} + "\"}");
            CHECK(end_of(client, id) == "succeeded");
        }
        (void)client.next("chunk", "4");
        client.send(R"({"op":"cancel","id":"4"})");
        CHECK(end_of(client, "4") == "succeeded");
        daemon.await_workers(1);
    }
    CHECK(daemon.pool().integer_at("crashed") == 0);
    daemon.await("nothing is kept of those that have left",
                 [&] { return segments_of(daemon.pid()) == 1; });
}

TEST_CASE("a worker is replaced after so many jobs, by one that is ready before it leaves")
{
    const Daemon daemon{pool_config(1) + "recycle_jobs = 5\n"};
    daemon.await_workers(1);
    JsonClient client = daemon.json();
    std::map<std::string, int> jobs_of;
    std::int64_t fewest = 1;
    for (int i = 0; i < 15; ++i) {
        ++jobs_of[pid_of_worker(client)];
        fewest = std::min(fewest, daemon.pool().integer_at("workers"));
    }
    CHECK(fewest == 1);
    CHECK(jobs_of.size() == 3);
    CHECK(std::all_of(jobs_of.begin(), jobs_of.end(),
                      [](const auto& each) { return each.second == 5; }));
    daemon.await("the last one that was replaced is gone",
                 [&] { return daemon.children().size() == 2; });
}

TEST_CASE("a worker that has grown or is old is replaced by one that is ready before it leaves")
{
    const Daemon daemon{pool_config(1) + "recycle_rss = \"128 MiB\"\n" +
                        "[pool.aged]\nworkers = 1\nrecycle_age = \"100ms\"\nmodules = [\"" +
                        test_module() + "\"]\n"};
    daemon.await_workers(1);
    JsonClient client = daemon.json();
    const std::string first = pid_of_worker(client);
    client.submit("leaks", "leak", "200000000");
    CHECK(end_of(client, "leaks") == "succeeded");
    std::set<std::string> aged;
    std::int64_t fewest = 1;
    daemon.await("others serve in both pools", [&] {
        client.submit("aged", "pid", "", R"(,"pool":"aged")");
        aged.insert(std::string{client.result("aged").text_at("payload")});
        fewest = std::min({fewest, daemon.pool(0).integer_at("workers"),
                           std::max<std::int64_t>(daemon.pool(1).integer_at("workers"), 1)});
        return pid_of_worker(client) != first && aged.size() > 1;
    });
    CHECK(fewest == 1);
}

// The breaker probes every five seconds.
TEST_CASE("a pool whose workers die one after another holds back, and goes on when a job ends well")
{
    const Daemon daemon{pool_config(2) + "poison_after = 1000\n" + "[pool.other]\nworkers = 1\n"};
    JsonClient client = daemon.json();
    client.submit("dies", "segv", "", R"(,"retry_crash":1000,"backoff_ms":1,"backoff_max_ms":1)");
    daemon.await("the pool is degraded", [&] {
        return daemon.pool().find("degraded") != nullptr &&
               *daemon.pool().find("degraded") == Value{true};
    });
    // It takes jobs, but begins none.
    client.submit("waits", "sum", "100", R"(,"priority":100,"started":true)");
    client.submit("elsewhere", "sum", "10", R"(,"pool":"other")");
    CHECK(client.result("elsewhere").text_at("payload") == "55");
    const Value pool = daemon.pool();
    CHECK(pool.integer_at("busy") == 0);
    CHECK(pool.integer_at("queued") >= 1);
    CHECK(*daemon.pool(1).find("degraded") == Value{false});
    client.send(R"({"op":"cancel","id":"dies"})");
    CHECK(end_of(client, "dies") == "cancelled");
    CHECK(client.result("waits").text_at("payload") == "5050");
    CHECK(*daemon.pool().find("degraded") == Value{false});
    daemon.await_workers(2);
}

TEST_CASE("a job that waits for jobs of its own lends its place to them, three levels deep")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    for (const int levels : {1, 3}) {
        CAPTURE(levels);
        submit_shell(client, "parent", nested(levels));
        CHECK(client.next("chunk", "parent").text_at("payload") == "5050");
        CHECK(end_of(client, "parent") == "succeeded");
    }
    daemon.await("no place is lent any more", [&] {
        const Value pool = daemon.pool();
        return pool.integer_at("lent") == 0 && pool.integer_at("workers") == 1 &&
               daemon.children().size() == 2;
    });
}

TEST_CASE("jobs that wait for jobs do not stand in their way under any cap")
{
    const Daemon daemon{pool_config(2, "max_running = 1\n") + "max_running = 1\n"};
    JsonClient client = daemon.json();
    for (const char* const id : {"1", "2", "3"}) {
        submit_shell(client, id, nested(2));
    }
    for (const char* const id : {"1", "2", "3"}) {
        CHECK(end_of(client, id) == "succeeded");
    }
    CHECK(daemon.pool().integer_at("done") == 9);
    daemon.await("no place is lent any more",
                 [&] { return daemon.pool().integer_at("lent") == 0; });
}

TEST_CASE("a job that is cancelled takes those with it that it waits for")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    submit_shell(client, "parent", std::string{jobmill_program} + " run until_cancelled");
    CHECK(client.next("chunk", "parent").text_at("payload") == "running");
    CHECK(daemon.pool().integer_at("lent") == 1);
    CHECK(daemon.pool().integer_at("busy") == 2);
    client.send(R"({"op":"cancel","id":"parent"})");
    CHECK(end_of(client, "parent") == "cancelled");
    daemon.await("the child is gone", [&] { return daemon.jobs() == 0; });
    daemon.check_healthy();
    CHECK(daemon.pool().integer_at("lent") == 0);
}

TEST_CASE("while memory is low no job begins, status says so, and a reload ends it")
{
    const Daemon daemon{pool_config(1, "min_free_memory = \"1000 TiB\"\n")};
    JsonClient client = daemon.json();
    client.submit("waits", "sum", "100");
    client.submit("delayed", "sum", "10", R"(,"delay_ms":10)");
    client.submit("expires", "sum", "10", R"(,"queue_timeout_ms":30)");
    CHECK(end_of(client, "expires") == "expired");
    CHECK(daemon.pool().text_at("paused") == "memory");
    CHECK(daemon.pool().integer_at("busy") == 0);
    CHECK(daemon.pool().integer_at("queued") == 2);
    const Value status = status_of(daemon);
    CHECK(*status.find("memory")->find("low") == Value{true});
    CHECK(reload_with(daemon, pool_config(1)).text_at("op") == "reload");
    CHECK(client.result("waits").text_at("payload") == "5050");
    CHECK(client.result("delayed").text_at("payload") == "55");
    CHECK(daemon.pool().find("paused") == nullptr);
}

}  // namespace jobmill::tests
