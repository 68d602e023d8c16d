// SPDX-License-Identifier: MIT
// A worker inside another program, which is a runtime of nothing (tests/modules/tiny_runtime.c).
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include <doctest/doctest.h>

#include "common/exit_code.hpp"
#include "common/msgpack.hpp"
#include "tests/unit/worker/worker_harness.hpp"

namespace jobmill::test {
namespace {

const Arguments test_module{"--module", JOBMILL_TEST_MODULES "/testhandlers.so"};

/// What the runtime does wrong, while it lives. There is one thread.
/// NOLINTBEGIN(concurrency-mt-unsafe)
struct Fault {
    explicit Fault(const char* name) { REQUIRE(::setenv("RUNTIME_FAULT", name, 1) == 0); }
    ~Fault() { (void)::unsetenv("RUNTIME_FAULT"); }
    Fault(const Fault&) = delete;
    Fault& operator=(const Fault&) = delete;
};
// NOLINTEND(concurrency-mt-unsafe)

std::string refusal(const char* fault, const Arguments& arguments = {})
{
    const Fault made{fault};
    TestTemplate pool{arguments, tiny_runtime()};
    CHECK(WEXITSTATUS(pool.await_death()) == exit_code::bad_config);
    return pool.refusal();
}

}  // namespace

TEST_CASE("a runtime's handlers come after the built-in ones and the modules'")
{
    TestTemplate pool{{"--builtin", "echo", "--module", JOBMILL_TEST_MODULES "/plain_c.so"},
                      tiny_runtime()};
    REQUIRE(pool.handlers().size() > 4);
    CHECK(pool.handlers().front() == "echo");
    CHECK(pool.handlers()[1] == "reverse");
    CHECK(pool.handlers().back() == "tiny.history");
    TestWorker worker = pool.fork();
    CHECK(worker.run({.handler = "reverse", .payload = "drawer"}).result == "reward");
    CHECK(worker.run({.handler = "echo", .payload = "x"}).result == "x");
}

TEST_CASE("a runtime forks itself, twice for a worker, and begins each")
{
    TestTemplate pool{{}, tiny_runtime()};
    TestWorker first = pool.fork();
    TestWorker second = pool.fork();
    // The template's count, and one more in the process between: it is not the template's.
    CHECK(first.run({.handler = "tiny.history"}).result == "context: forks 2, begun 1, idle 0");
    CHECK(second.run({.handler = "tiny.history"}).result == "context: forks 3, begun 1, idle 0");
}

TEST_CASE("a runtime that cannot fork says why")
{
    const Fault made{"fork"};
    TestTemplate pool{{}, tiny_runtime()};
    CHECK(pool.fork_error() == ENOMEM);
    CHECK(pool.fork_error() == ENOMEM);
}

TEST_CASE("a worker that loads for itself begins, too")
{
    const std::vector<std::string> handlers{"tiny.arguments", "tiny.copy", "tiny.wait",
                                            "tiny.history"};
    TestWorker worker = spawn_worker({"--builtin", "none"}, handlers, tiny_runtime());
    CHECK(worker.run({.handler = "tiny.history"}).result == "context: forks 0, begun 1, idle 0");
}

TEST_CASE("a runtime gets all arguments of a job as they came")
{
    TestTemplate pool{{}, tiny_runtime()};
    TestWorker worker = pool.fork();
    const Map args{{"n", 5}, {"list", Array{1, "two"}}};
    Bytes expected;
    msgpack::Writer{expected}.value(Value{args});
    CHECK(worker.run({.handler = "tiny.arguments", .args = args}).result == text_of(expected));
    CHECK(worker.run({.handler = "tiny.arguments"}).result.empty());
}

TEST_CASE("a runtime copies a payload that came inline and that it has room for")
{
    TestTemplate pool{{}, tiny_runtime()};
    TestWorker worker = pool.fork();
    CHECK(worker.run({.handler = "tiny.copy", .payload = "of eight"}).result == "8 of eight");
    CHECK(worker.run({.handler = "tiny.copy"}).result == "0 untaken");
    CHECK(worker.run({.handler = "tiny.copy", .payload = "more of it"}).result == "-1 untaken");
}

TEST_CASE("SIGTERM interrupts a job of the runtime, whose worker serves on as long as it is let")
{
    TestTemplate pool{{}, tiny_runtime()};
    TestWorker worker = pool.fork();
    const Sequence sequence = worker.offer({.handler = "tiny.wait"});
    REQUIRE(std::holds_alternative<JobChunk>(worker.hear()->report));
    worker.kill(SIGTERM);
    const Answer answer = worker.await_answer(sequence);
    CHECK(!answer.succeeded);
    CHECK(answer.cause.text == "interrupted");
    CHECK(worker.run({.handler = "echo", .payload = "x"}).result == "x");
    // Between jobs it is the end.
    worker.kill(SIGTERM);
    const int status = worker.await_death();
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGTERM);
}

TEST_CASE("SIGTERM ends a native handler in a runtime's worker")
{
    TestTemplate pool{test_module, tiny_runtime()};
    TestWorker worker = pool.fork();
    (void)worker.offer({.handler = "block"});
    REQUIRE(std::holds_alternative<JobChunk>(worker.hear()->report));
    worker.kill(SIGTERM);
    const int status = worker.await_death();
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGTERM);
}

TEST_CASE("a fault in a runtime's worker leaves last words")
{
    TestTemplate pool{test_module, tiny_runtime()};
    TestWorker worker = pool.fork();
    (void)worker.offer({.handler = "segv"});
    const int status = worker.await_death();
    CHECK(WTERMSIG(status) == SIGSEGV);
    CHECK(worker.last_words() == "SIGSEGV at address 0x0 in handler segv");
}

TEST_CASE("what a native handler throws is caught in a runtime's worker")
{
    TestTemplate pool{test_module, tiny_runtime()};
    TestWorker worker = pool.fork();
    CHECK(worker.run({.handler = "throw", .payload = "as ever"}).cause.text == "as ever");
    CHECK(worker.run({.handler = "throw_int"}).cause.text == "unknown exception");
    CHECK(worker.run({.handler = "echo", .payload = "x"}).result == "x");
}

TEST_CASE("each way in which a runtime cannot be used is told")
{
    CHECK(refusal("silent") == "the pool's runtime cannot load its handlers");
    CHECK(refusal("load") == std::string(4095, 'x'));
    CHECK(refusal("threads").find("start = \"spawn\"") != std::string::npos);
    CHECK(refusal("none", {"--module", JOBMILL_TEST_MODULES "/throws.so"})
              .find("the model file is missing") != std::string::npos);
    const Fault made{"version"};
    TestTemplate pool{{}, tiny_runtime()};
    CHECK(!pool.said_anything());
    CHECK(WEXITSTATUS(pool.await_death()) == exit_code::bad_config);
}

TEST_CASE("a pool that spawns its workers may have a runtime with threads")
{
    const Fault made{"threads"};
    TestTemplate pool{{"--allow-threads"}, tiny_runtime()};
    CHECK(pool.refusal().empty());
    CHECK(pool.handlers().back() == "tiny.history");
}

}  // namespace jobmill::test
