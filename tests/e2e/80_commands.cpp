// SPDX-License-Identifier: MIT
#include <sstream>

#include "jobmill/client.hpp"
#include "tests/e2e/e2e_daemon.hpp"

namespace jobmill::tests {
namespace {

struct Output {
    std::string out;
    std::string err;
    Value result;
};

/// Runs a shell command; `more` are members of args, with a comma before each.
Output run(JsonClient& client, const std::string& script, const std::string& more = "",
           const std::string& members = "")
{
    client.send(R"({"op":"submit","id":"x","handler":"exec","args":{"argv":["/bin/sh","-c",")" +
                script + "\"]" + more + "}" + members + "}");
    Output output;
    std::string* to = nullptr;
    while (true) {
        auto message = client.next();
        REQUIRE(message);
        const std::string_view op = message->text_at("op");
        if (op == "result") {
            output.result = std::move(*message);
            return output;
        }
        if (op == "chunk") {
            to = message->text_at("stream") == "stderr" ? &output.err : &output.out;
            CHECK((to == &output.err || message->text_at("stream") == "stdout"));
        }
        if (op == "chunk" || op == "piece") {
            *to += message->text_at("payload");
        }
    }
}

std::int64_t exit_code_of(const Value& result)
{
    return result.find("cause")->integer_at("exit_code");
}

Value run_words(JsonClient& client, const std::string& argv)
{
    client.send(R"({"op":"submit","id":"x","handler":"exec","args":{"argv":[)" + argv + "]}}");
    return client.result("x");
}

bool only_standard_descriptors(const std::string& list)
{
    std::istringstream lines{list};
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        if (line.empty() || line.find_first_not_of("012") == 0) {
            return false;
        }
    }
    return count == 3;
}

}  // namespace

TEST_CASE("a command's outputs are told apart and its success is one")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    const Output output = run(client, "echo out; echo err >&2");
    CHECK(output.out == "out\n");
    CHECK(output.err == "err\n");
    CHECK(output.result.text_at("state") == "succeeded");
}

TEST_CASE("an exit code that is not zero is a failure with that code")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    const Output output = run(client, "echo before; exit 7");
    CHECK(output.out == "before\n");
    CHECK(output.result.text_at("state") == "failed");
    CHECK(cause_text(output.result, "kind") == "exit");
    CHECK(exit_code_of(output.result) == 7);
}

TEST_CASE("a command that dies of a signal has failed and its worker has not")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    const Output output = run(client, "kill -SEGV $$");
    CHECK(output.result.text_at("state") == "failed");
    CHECK(cause_text(output.result, "kind") == "signal");
    CHECK(cause_text(output.result, "signal") == "SIGSEGV");
    CHECK(daemon.pool().integer_at("restarts") == 0);
}

TEST_CASE("a command that cannot be started says why with 126 or 127")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    const Value absent = run_words(client, R"("no-such-command-anywhere")");
    CHECK(absent.text_at("state") == "failed");
    CHECK(cause_text(absent, "kind") == "exec");
    CHECK(exit_code_of(absent) == 127);
    CHECK(exit_code_of(run_words(client, R"("/etc/passwd")")) == 126);
    CHECK(exit_code_of(run_words(client, R"("/")")) == 126);
    CHECK(run_words(client, "").text_at("state") == "failed");
}

TEST_CASE("a command runs in the directory and with the environment that it is given")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    CHECK(run(client, "pwd", R"(,"cwd":"/usr/bin")").out == "/usr/bin\n");
    CHECK(run(client, "echo $A-$HOME", R"(,"env":["A=b c"])").out == "b c-\n");
    const Output nowhere = run(client, "pwd", R"(,"cwd":"/nonexistent")");
    CHECK(exit_code_of(nowhere.result) == 126);
}

TEST_CASE("the payload is a command's standard input")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    CHECK(run(client, "cat", "", R"(,"payload":"line 1\nline 2\n")").out == "line 1\nline 2\n");
    CHECK(run(client, "cat; echo end").out == "end\n");
}

TEST_CASE("a command reads the payload and no more of the memory that it lies in")
{
    const Daemon daemon{pool_config(1)};
    auto client = Client::connect(daemon.socket());
    REQUIRE(client);
    const Map args{{"argv", Array{"/bin/sh", "-c", "wc -c; tail -c 3 /dev/stdin"}}};
    // The second lies where the first did, and is shorter.
    for (const std::size_t size : {300'000U, 200'001U, 65'537U}) {
        CAPTURE(size);
        const Bytes payload(size, static_cast<std::byte>('a'));
        const auto run = client->run({.handler = "exec", .payload = payload, .args = args});
        REQUIRE_MESSAGE(run, run.error().what);
        std::string output;
        for (const event::Chunk& chunk : run->chunks) {
            output += text_of(chunk.payload);
        }
        CHECK(output == std::to_string(size) + "\naaa");
    }
}

TEST_CASE("commands do not inherit the limit of descriptors that the daemon has raised for itself")
{
    const Daemon daemon{
        std::make_shared<Place>(),
        {.config = pool_config(1),
         .prefix = {"/bin/sh", "-c", R"(ulimit -Sn 150; ulimit -Hn 300; exec "$@")", "sh"}}};
    JsonClient client = daemon.json();
    const auto limits_of = [&](const std::string& process) {
        return run(client, "grep 'open files' /proc/" + process + "/limits | tr -s ' '").out;
    };
    CHECK(limits_of("self") == "Max open files 150 300 files \n");
    CHECK(limits_of("$PPID") == "Max open files 300 300 files \n");
}

TEST_CASE("large outputs of a command keep their order")
{
    const Daemon daemon{pool_config(1)};
    JsonClient client = daemon.json();
    const Output output = run(client, "seq 1 200000; seq 1 1000 >&2");
    std::istringstream numbers{output.out};
    int expected = 1;
    for (int number = 0; numbers >> number; ++expected) {
        REQUIRE(number == expected);
    }
    CHECK(expected == 200'001);
    CHECK(output.err.size() == 3893);
}

TEST_CASE("the system's daemon runs no commands unless it is told to")
{
    {
        const Daemon daemon{pool_config(1), {"--system", "--allow-root"}};
        JsonClient client = daemon.json();
        client.submit("x", "exec");
        CHECK(client.next("error", "x").text_at("code") == "unknown_handler");
    }
    const Daemon daemon{pool_config(1) + "exec = true\n", {"--system", "--allow-root"}};
    JsonClient client = daemon.json();
    CHECK(run(client, "echo yes").out == "yes\n");
}

TEST_CASE("the system's daemon opens no file for a client unless it is told to")
{
    const auto submit = [](const std::string& config) {
        const Daemon daemon{config, {"--system", "--allow-root"}};
        JsonClient client = daemon.json();
        client.send(R"({"op":"submit","id":"x","handler":"sha256","args":{"path":"/etc/passwd"}})");
        return client.result("x");
    };
    const Value refused = submit(pool_config(1));
    CHECK(refused.text_at("state") == "failed");
    CHECK(cause_text(refused, "text").find("\"path\" is off in this pool") != std::string::npos);
    CHECK(submit(pool_config(1) + "paths = true\n").text_at("state") == "succeeded");
}

TEST_CASE("a pool that says so runs no commands")
{
    const Daemon daemon{pool_config(1) + "exec = false\n"};
    JsonClient client = daemon.json();
    client.submit("x", "exec");
    CHECK(client.next("error", "x").text_at("code") == "unknown_handler");
}

TEST_CASE("workers and commands have no descriptors but their own")
{
    const Daemon daemon{pool_config(2)};
    // Descriptors of others that could be inherited.
    std::vector<JsonClient> sessions;
    for (int i = 0; i < 10; ++i) {
        sessions.push_back(daemon.json());
        sessions.back().ping();
    }
    BinaryClient large = daemon.binary();
    large.submit(1, "big", "1000000");
    (void)large.result(1);
    JsonClient client = daemon.json();
    for (int i = 0; i < 4; ++i) {
        // Replacements, too, which were forked later.
        client.submit("dies", "kill");
        (void)client.result("dies");
        client.submit("fds", "fds");
        std::istringstream lines{std::string{client.result("fds").text_at("payload")}};
        std::vector<std::string> list;
        for (std::string line; std::getline(lines, line);) {
            list.push_back(line);
        }
        // What it has sent a large result in, for the next one, if it was this worker.
        const auto results = std::erase_if(list, [](const std::string& each) {
            return each.find("memfd:jobmill-blob") != std::string::npos;
        });
        CHECK(results <= 1);
        // Standard ones, the link, and two by which its jobs are measured; the segment is mapped.
        CHECK(list.size() == 6);
        const Output output = run(client, "ls /proc/self/fd | grep -v '^3$'");
        CHECK_MESSAGE(only_standard_descriptors(output.out), output.out);
    }
}

TEST_CASE("a pool's environment reaches its workers and its commands")
{
    const Daemon daemon{pool_config(1) + "environment = { GREETING = \"good day\" }\n"};
    JsonClient client = daemon.json();
    CHECK(run(client, "echo $GREETING").out == "good day\n");
}

}  // namespace jobmill::tests
