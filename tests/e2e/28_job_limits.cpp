// SPDX-License-Identifier: MIT
// What a job may use, and how it is told that it wanted more.
#include <filesystem>

#include "tests/e2e/job_life.hpp"

namespace jobmill::tests {
namespace {

constexpr std::uint64_t mebibyte = 1U << 20U;

void check_limit(const Value& result, const char* limit)
{
    CAPTURE(limit);
    CHECK(result.text_at("state") == "failed");
    CHECK(cause_text(result, "kind") == "limit");
    CHECK(cause_text(result, "limit") == limit);
}

std::string pid_of_worker(JsonClient& client)
{
    client.submit("whose", "pid");
    return std::string{client.result("whose").text_at("payload")};
}

/// What a shell's command puts out.
std::string output_of(JsonClient& client, const std::string& script, const std::string& more)
{
    submit_shell(client, "shell", script, more);
    return std::string{client.next("chunk", "shell").text_at("payload")};
}

void submit_file(JsonClient& client, const Daemon& daemon, const std::string& id,
                 std::uint64_t size, const std::string& more)
{
    client.submit(id, "write_file", std::to_string(size),
                  R"(,"args":{"path":")" + daemon.place().directory() + "/file\"}" + more);
}

}  // namespace

TEST_CASE("a handler that wants more memory than it may have fails and its worker lives on")
{
    if (sanitized) {
        return;  // the sanitizer ends who is refused memory
    }
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    const std::string worker = pid_of_worker(client);
    const std::string meal = std::to_string(128 * mebibyte);
    client.submit("eats", "eat", meal, R"(,"memory":16777216)");
    check_limit(client.result("eats"), "memory");
    // The next one is not held to it.
    client.submit("next", "eat", meal);
    CHECK(client.result("next").text_at("payload") == meal);
    client.submit("small", "eat", "65536", R"(,"memory":16777216)");
    CHECK(client.result("small").text_at("payload") == "65536");
    CHECK(pid_of_worker(client) == worker);
}

TEST_CASE("who uses more time on a processor than he may is ended, handler or command")
{
    const Daemon daemon{pool_config(2)};
    JsonClient client = daemon.json();
    client.submit("handler", "cpu", "60000", R"(,"cpu_ms":100,"retry_crash":5)");
    submit_shell(client, "command", "while :; do :; done", R"(,"cpu_ms":100)");
    const Value handler = client.result("handler");
    check_limit(handler, "cpu");
    CHECK(handler.find("attempts") == nullptr);  // it crashed nobody
    const Value command = client.result("command");
    check_limit(command, "cpu");
    CHECK(cause_text(command, "signal") == "SIGXCPU");
    CHECK(daemon.pool().integer_at("crashed") == 0);
    client.submit("next", "cpu", "20", R"(,"cpu_ms":60000)");
    CHECK(end_of(client, "next") == "succeeded");
}

TEST_CASE("no file grows beyond what a job may write")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    submit_file(client, daemon, "handler", mebibyte, R"(,"file_size":100000)");
    check_limit(client.result("handler"), "file_size");
    const std::string file = daemon.place().directory() + "/file";
    CHECK(std::filesystem::file_size(file) <= 100'000);
    submit_file(client, daemon, "next", mebibyte, "");
    CHECK(end_of(client, "next") == "succeeded");
    CHECK(std::filesystem::file_size(file) == mebibyte);
    submit_shell(client, "command", "exec head -c 1000000 /dev/zero >" + file,
                 R"(,"file_size":100000)");
    check_limit(client.result("command"), "file_size");
    CHECK(std::filesystem::file_size(file) <= 100'000);
    submit_shell(client, "behind", "head -c 1000000 /dev/zero >" + file + "; exit $?",
                 R"(,"file_size":100000)");
    check_limit(client.result("behind"), "file_size");
}

TEST_CASE("a pool's limits are for jobs that ask for none")
{
    const Daemon daemon{pool_config(1) + "file_size = \"64 KiB\"\n"};
    JsonClient client = daemon.json();
    submit_file(client, daemon, "default", mebibyte, "");
    check_limit(client.result("default"), "file_size");
    submit_file(client, daemon, "more", mebibyte, R"(,"file_size":"unlimited")");
    CHECK(end_of(client, "more") == "succeeded");
}

TEST_CASE("a job has so many descriptors as it may have and the next one all")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("few", "open_files", "100", R"(,"open_files":10)");
    CHECK(client.result("few").text_at("payload") == "7");
    client.submit("next", "open_files", "100");
    CHECK(client.result("next").text_at("payload") == "100");
    CHECK(output_of(client, "ulimit -n", R"(,"open_files":10)") == "10\n");
}

TEST_CASE("a worker that was niced or moved is replaced, a command's worker is not")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    std::string worker = pid_of_worker(client);
    for (const char* const spoils : {R"(,"nice":19)", R"(,"cpus":"0")"}) {
        CAPTURE(spoils);
        client.submit("own", "pid", "", spoils);
        CHECK(client.result("own").text_at("payload") == worker);
        const std::string next = pid_of_worker(client);
        CHECK(next != worker);
        worker = next;
    }
    CHECK(output_of(client, "nice", R"(,"nice":19)") == "19\n");
    CHECK(end_of(client, "shell") == "succeeded");
    CHECK(output_of(client, "grep Cpus_allowed_list /proc/self/status", R"(,"cpus":"0")") ==
          "Cpus_allowed_list:\t0\n");
    CHECK(end_of(client, "shell") == "succeeded");
    CHECK(pid_of_worker(client) == worker);
    CHECK(daemon.pool().integer_at("crashed") == 0);
}

TEST_CASE("a job none of whose processors is there fails")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    client.submit("nowhere", "pid", "", R"(,"cpus":"63")");
    const Value nowhere = client.result("nowhere");
    CHECK(nowhere.text_at("state") == "failed");
    CHECK(cause_text(nowhere, "kind") == "error");
    daemon.check_healthy();
}

}  // namespace jobmill::tests
