// SPDX-License-Identifier: MIT
// SIGQUIT: a worker says where it is and goes on.
#include <csignal>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include "tests/support/eventually.hpp"
#include "tests/unit/worker/worker_harness.hpp"

namespace jobmill::test {
namespace {

const Arguments test_module{"--module", JOBMILL_TEST_MODULES "/testhandlers.so"};

/// Offers the job and waits until it is claimed; then asks until `word` is in a stack.
std::string stack_with(TestWorker& worker, const Work& work, const std::string& word)
{
    const Sequence sequence = worker.offer(work);
    REQUIRE(tests::eventually([&] { return is_claimed(worker.layout(), sequence); }));
    std::string stack;
    for (int i = 0; i < 1000 && stack.find(word) == std::string::npos; ++i) {
        stack = worker.stack();
    }
    return stack;
}

bool has(const std::string& text, const char* word)
{
    return text.find(word) != std::string::npos;
}

/// Whether a function of the worker's own is named. Which are inlined is the compiler's choice.
bool names_the_workers_own(const std::string& stack)
{
    std::istringstream lines{stack};
    for (std::string line; std::getline(lines, line);) {
        if (has(line, "_ZN7jobmill") && has(line, "(jobmill-worker+0x")) {
            return true;
        }
    }
    return false;
}

}  // namespace

TEST_CASE("the stack of a job in an endless loop begins in its handler")
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    // Not exported by its object.
    const std::string stack = stack_with(worker, {.handler = "hang"}, "testhandlers4hang");
    CAPTURE(stack);
    CHECK(stack.starts_with("in handler hang\n#0 "));
    const std::string top = stack.substr(0, stack.find("\n#1"));
    CHECK(has(top, "(testhandlers.so+0x"));
    CHECK(has(top, "testhandlers4hang"));
    CHECK(names_the_workers_own(stack));
    worker.kill(SIGTERM);
    CHECK(WTERMSIG(worker.await_death()) == SIGTERM);
}

TEST_CASE("the stack of a job that sleeps shows the call, and it sleeps on")
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    const std::string stack = stack_with(worker, {.handler = "block"}, "nanosleep");
    CAPTURE(stack);
    CHECK(has(stack, "nanosleep"));
    CHECK(has(stack, "testhandlers.so"));
    CHECK(has(stack, "libc.so"));
    for (int i = 0; i < 100; ++i) {
        CHECK(worker.stack().starts_with("in handler block\n"));
    }
}

TEST_CASE("a job may be asked in the middle of an allocation, as often as anybody likes")
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    CHECK(
        has(stack_with(worker, {.handler = "allocate"}, "testhandlers.so"), "in handler allocate"));
    bool in_allocator = false;
    for (int i = 0; i < 500; ++i) {
        const std::string stack = worker.stack();
        REQUIRE(stack.starts_with("in handler allocate\n#0 "));
        in_allocator = in_allocator || has(stack.substr(0, stack.find("\n#1")), "libc.so");
    }
    CHECK(in_allocator);
    worker.kill(SIGTERM);
    CHECK(WTERMSIG(worker.await_death()) == SIGTERM);
}

TEST_CASE("a job goes on as if it had not been asked")
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    CHECK(worker.stack().starts_with("between jobs\n"));
    const Sequence sequence = worker.offer({.handler = "cpu", .payload = "50"});
    for (int i = 0; i < 20; ++i) {
        CHECK(!worker.stack().empty());
    }
    CHECK(worker.await_answer(sequence).succeeded);
    const Sequence asleep = worker.offer({.handler = "sleep", .payload = "100ms"});
    for (int i = 0; i < 20; ++i) {
        CHECK(!worker.stack().empty());
    }
    const Answer answer = worker.await_answer(asleep);
    CHECK(answer.succeeded);
    CHECK(answer.run_ns >= 100'000'000);
}

TEST_CASE("of a command the stack says what it is and what it does")
{
    TestTemplate pool{{"--allow-exec"}};
    TestWorker worker = pool.fork();
    const Work work{.handler = "exec", .args = {{"argv", Array{"sleep", "3600"}}}};
    const std::string stack = stack_with(worker, work, "(sleep) S");
    CAPTURE(stack);
    CHECK(stack.starts_with("in handler exec\ncommand "));
    CHECK(has(stack, "(sleep) S"));
    CHECK(has(stack, "\n#0 "));
    worker.kill(SIGTERM);
}

TEST_CASE("the stack is taken before a SIGTERM that comes while it is taken")
{
    TestTemplate pool{test_module};
    for (int i = 0; i < 20; ++i) {
        TestWorker worker = pool.fork();
        CHECK(has(stack_with(worker, {.handler = "hang"}, "testhandlers.so"), "hang"));
        worker.layout().stack_size = 0;
        worker.kill(SIGQUIT);
        while (worker.layout().stack_size == 0) {
        }
        worker.kill(SIGTERM);
        CHECK(WTERMSIG(worker.await_death()) == SIGTERM);
        CHECK(worker.layout().stack_size > 0);
    }
}

}  // namespace jobmill::test
