// SPDX-License-Identifier: MIT
// Handlers that break: what the daemon sees of it.
#include <csignal>

#include <doctest/doctest.h>

#include "common/outbox.hpp"
#include "common/signal_name.hpp"
#include "tests/unit/worker/worker_harness.hpp"

namespace jobmill::test {
namespace {

const Arguments test_module{"--module", JOBMILL_TEST_MODULES "/testhandlers.so"};

struct Death {
    int status;
    std::string last_words;
};

Death die_of(const Work& work)
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    (void)worker.offer(work);
    const int status = worker.await_death();
    return {status, worker.last_words()};
}

int signal_of(const Death& death)
{
    REQUIRE(WIFSIGNALED(death.status));
    return WTERMSIG(death.status);
}

}  // namespace

TEST_CASE("a fault kills with its own signal, and the last words say where")
{
    const Death segv = die_of({.handler = "segv"});
    CHECK(signal_of(segv) == SIGSEGV);
    CHECK(segv.last_words == "SIGSEGV at address 0x0 in handler segv");
    const Death abort = die_of({.handler = "abort"});
    CHECK(signal_of(abort) == SIGABRT);
    CHECK(abort.last_words == "SIGABRT in handler abort");
    const Death fpe = die_of({.handler = "fpe"});
    CHECK(signal_of(fpe) == SIGFPE);
    CHECK(fpe.last_words.find("SIGFPE at address 0x") == 0);
    CHECK(fpe.last_words.find(" in handler fpe") != std::string::npos);
}

TEST_CASE("a worker dies of any signal that kills, and the signal is told")
{
    for (const int number : {SIGBUS, SIGILL, SIGTRAP, SIGSYS, SIGHUP, SIGINT, SIGXCPU, SIGXFSZ}) {
        const std::string name = signal_name(number);
        CAPTURE(name);
        CHECK(signal_of(die_of({.handler = "die", .payload = name})) == number);
    }
    CHECK(die_of({.handler = "die", .payload = "SIGBUS"}).last_words == "SIGBUS in handler die");
}

TEST_CASE("a worker that is killed or leaves says nothing")
{
    const Death killed = die_of({.handler = "kill"});
    CHECK(signal_of(killed) == SIGKILL);
    CHECK(killed.last_words.empty());
    const Death left = die_of({.handler = "exit", .payload = "7"});
    REQUIRE(WIFEXITED(left.status));
    CHECK(WEXITSTATUS(left.status) == 7);
}

TEST_CASE("a hanging job dies of SIGTERM, one that blocks it of SIGKILL")
{
    TestTemplate pool{test_module};
    TestWorker hanging = pool.fork();
    (void)hanging.offer({.handler = "hang", .want_started = true});
    REQUIRE(hanging.hear());
    hanging.kill(SIGTERM);
    CHECK(WTERMSIG(hanging.await_death()) == SIGTERM);
    TestWorker stubborn = pool.fork();
    (void)stubborn.offer({.handler = "ignore_term"});
    REQUIRE(stubborn.hear());
    stubborn.kill(SIGTERM);
    stubborn.kill(SIGKILL);
    CHECK(WTERMSIG(stubborn.await_death()) == SIGKILL);
}

TEST_CASE("an exception is a failure with its text, and the worker lives")
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    const Answer error = worker.run({.handler = "throw", .payload = "no such picture"});
    CHECK(!error.succeeded);
    CHECK(error.cause.kind == "error");
    CHECK(error.cause.text == "no such picture");
    CHECK(worker.run({.handler = "throw_int"}).cause.text == "unknown exception");
    CHECK(worker.run({.handler = "throw", .payload = std::string(60'000, 'e')}).cause.text ==
          std::string(4096, 'e'));
    CHECK(worker.run({.handler = "counter"}).succeeded);
}

TEST_CASE("a worker goes on with a scribbled segment until the daemon notices")
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    CHECK(worker.run({.handler = "scribble"}).succeeded);
    CHECK(worker.layout().claims[0] == 0xa5a5a5a5a5a5a5a5);
    CHECK(signal_of(die_of({.handler = "scribble", .payload = "crash"})) == SIGABRT);
}

TEST_CASE("garbage on the link is garbage for the daemon to judge")
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    (void)worker.offer({.handler = "garbage_link"});
    worker.link().close();
    (void)worker.await_death();
}

TEST_CASE("what a job writes to standard error goes to the worker's")
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    (void)worker.run({.handler = "stderr_spam", .payload = "2"});
    CHECK(worker.standard_error().size() == 2U << 20U);
}

}  // namespace jobmill::test
