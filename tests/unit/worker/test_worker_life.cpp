// SPDX-License-Identifier: MIT
// The real program, with this test in the daemon's place.
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include <doctest/doctest.h>

#include "common/exit_code.hpp"
#include "common/limits.hpp"
#include "common/outbox.hpp"
#include "common/progress_cell.hpp"
#include "tests/unit/worker/worker_harness.hpp"

namespace jobmill::test {
namespace {

const Arguments test_module{"--module", JOBMILL_TEST_MODULES "/testhandlers.so"};

}  // namespace

TEST_CASE("a template tells its handlers and forks a worker that is the daemon's child")
{
    TestTemplate pool;
    REQUIRE(std::holds_alternative<Loaded>(pool.first_word()));
    TestWorker worker = pool.fork();
    const auto all = children();
    CHECK(std::find(all.begin(), all.end(), worker.pid()) != all.end());
    CHECK(::getpgid(worker.pid()) == worker.pid());
    CHECK(::getsid(worker.pid()) == worker.pid());
    CHECK(::getsid(pool.pid()) == pool.pid());
}

TEST_CASE("a worker runs one job after another")
{
    TestTemplate pool;
    TestWorker worker = pool.fork();
    CHECK(worker.run({.handler = "echo", .payload = "hello"}).result == "hello");
    CHECK(worker.run({.handler = "sum", .payload = "100"}).result == "5050");
    CHECK(worker.run({.handler = "sleep", .payload = "1ms"}).run_ns >= 1'000'000);
    CHECK(worker.run({.handler = "echo", .payload = "x", .want_started = true}).started);
}

TEST_CASE("offers that wait in the link are served in order")
{
    TestTemplate pool;
    TestWorker worker = pool.fork();
    std::vector<Sequence> offered;
    offered.reserve(200);
    for (int i = 0; i < 200; ++i) {
        offered.push_back(worker.offer({.handler = "sum", .payload = std::to_string(i)}));
    }
    for (std::size_t i = 0; i < offered.size(); ++i) {
        CHECK(worker.await_answer(offered[i]).result == std::to_string(i * (i + 1) / 2));
    }
}

TEST_CASE("an offer that was revoked is dropped, and so is its blob")
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    const Sequence first{1000};
    const Sequence second{1001};
    for (const Sequence sequence : {first, second}) {
        offer_claim(worker.layout(), sequence);
    }
    REQUIRE(revoke_claim(worker.layout(), first));
    worker.send(first, {.handler = "echo", .payload = std::string(100'000, 'a')});
    worker.send(second, {.handler = "fds"});
    const Answer answer = worker.await_answer(second);
    CHECK(answer.result.find("jobmill-blob") == std::string::npos);
}

TEST_CASE("a worker has its own descriptors and no others")
{
    TestTemplate pool{test_module};
    TestWorker before = pool.fork();
    TestWorker worker = pool.fork();
    (void)worker.run({.handler = "echo", .payload = std::string(100'000, 'a')});
    const std::string list = worker.run({.handler = "fds"}).result;
    CAPTURE(list);
    CHECK(std::count(list.begin(), list.end(), '\n') == 6);
    CHECK(list.find("0 /dev/null\n") != std::string::npos);
    CHECK(list.find("1 /memfd:test-stderr") != std::string::npos);
    CHECK(list.find("2 /memfd:test-stderr") != std::string::npos);
    CHECK(list.find("3 socket:") != std::string::npos);
    CHECK(list.find("/clear_refs\n") != std::string::npos);
    CHECK(list.find("/status\n") != std::string::npos);
}

TEST_CASE("large payloads and results travel in blobs")
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    const std::string large(limits::inline_payload + 1, 'x');
    const Answer echoed = worker.run({.handler = "echo", .payload = large});
    CHECK(echoed.in_blob);
    CHECK(echoed.result == large);
    const Answer small = worker.run({.handler = "echo", .payload = large.substr(1)});
    CHECK(!small.in_blob);
    CHECK(small.result.size() == limits::inline_payload);
    const Answer big = worker.run({.handler = "big", .payload = "3000000"});
    CHECK(big.in_blob);
    CHECK(big.result == std::string(3'000'000, 'b'));
    const Answer chunks =
        worker.run({.handler = "chunks", .args = {{"count", 2}, {"size", 70000}}});
    CHECK(chunks.chunks == std::vector<std::string>(2, std::string(70000, 'c')));
}

TEST_CASE("a result is set from the room that was lent for it, which stays for all of the call")
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    for (const std::size_t half : {std::size_t{60}, std::size_t{40'000}, std::size_t{200'000}}) {
        CAPTURE(half);
        const Answer answer =
            worker.run({.handler = "shorten", .payload = std::to_string(2 * half)});
        CHECK(answer.result == std::string(half, 's'));
        CHECK(answer.chunks == std::vector{std::string(half, 's') + std::string(half, 'x')});
    }
}

TEST_CASE("chunks come before the result, all of them, while the reader is slow")
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    const Answer answer =
        worker.run({.handler = "chunks", .args = {{"count", 2000}, {"size", 5000}}});
    CHECK(answer.chunks.size() == 2000);
    CHECK(answer.succeeded);
}

TEST_CASE("what was committed and not sent is in the outbox when the worker is killed")
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    // Nobody reads: the link fills, and the worker is stuck with a frame that is committed only.
    const std::uint64_t before = worker.link().received();
    (void)worker.offer({.handler = "chunks", .args = {{"count", 1000}, {"size", 30000}}});
    const std::uint64_t committed = worker.await_standstill();
    worker.kill(SIGKILL);
    CHECK(WTERMSIG(worker.await_death()) == SIGKILL);
    const Bytes link = worker.link().drain();
    const auto outbox = read_outbox(worker.layout(), worker.link().received());
    REQUIRE(outbox);
    CHECK(!outbox->empty());
    CHECK(before + link.size() + outbox->size() == committed);
    Bytes stream = link;
    append(stream, ByteView{*outbox});
    FrameSplitter splitter{Link::worker, Direction::to_daemon};
    splitter.feed(stream);
    auto frame = splitter.next();
    while (frame && *frame) {
        CHECK(decode_worker_report(**frame));
        frame = splitter.next();
    }
    CHECK(frame);
    CHECK(splitter.partial() == 0);
}

TEST_CASE("a worker notes on which CPU it begins a job")
{
    TestTemplate pool;
    TestWorker worker = pool.fork();
    CHECK(worker.layout().cpu == 0);
    cpu_set_t usable;
    REQUIRE(::sched_getaffinity(0, sizeof usable, &usable) == 0);
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(cpu, &usable)) {
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            REQUIRE(::sched_setaffinity(worker.pid(), sizeof one, &one) == 0);
            (void)worker.run({.handler = "echo", .payload = "x"});
            CHECK(worker.layout().cpu == cpu + 1);
        }
    }
}

TEST_CASE("progress and heartbeat are seen in the segment")
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    const Sequence sequence = worker.offer({.handler = "progress", .payload = "12"});
    (void)worker.await_answer(sequence);
    const auto reading = read_progress(worker.layout().progress);
    REQUIRE(reading);
    CHECK(reading->sequence == sequence);
    CHECK(reading->done == 12);
    CHECK(reading->total == 12);
    CHECK(reading->note == "step 12");
    CHECK(worker.layout().heartbeat > 0);
}

TEST_CASE("a job that only says that it is alive is seen to be")
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    (void)worker.offer({.handler = "alive", .payload = "1000"});
    // The clock of the heartbeat moves every 4 ms.
    for (int changes = 0; changes < 10; ++changes) {
        CHECK(worker.shows_life());
    }
    worker.kill(SIGTERM);
}

TEST_CASE("a job sees its cancel flag, and only its own")
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    worker.layout().cancel = 77;
    const Sequence sequence = worker.offer({.handler = "until_cancelled"});
    REQUIRE(worker.hear());
    worker.layout().cancel = number(sequence);
    CHECK(worker.await_answer(sequence).result == "stopped");
}

TEST_CASE("sleep wakes when it is cancelled")
{
    TestTemplate pool;
    TestWorker worker = pool.fork();
    const Sequence sequence = worker.offer({.handler = "sleep", .payload = "1h"});
    worker.layout().cancel = number(sequence);
    CHECK(!worker.await_answer(sequence).succeeded);
}

TEST_CASE("an idle worker dies of SIGTERM and leaves when its link ends")
{
    TestTemplate pool;
    TestWorker killed = pool.fork();
    killed.kill(SIGTERM);
    CHECK(WTERMSIG(killed.await_death()) == SIGTERM);
    TestWorker dismissed = pool.fork();
    dismissed.link().close();
    const int status = dismissed.await_death();
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == exit_code::ok);
}

TEST_CASE("workers outlive their template, which leaves when its link ends")
{
    TestTemplate pool;
    TestWorker worker = pool.fork();
    pool.link().close();
    CHECK(WEXITSTATUS(pool.await_death()) == exit_code::ok);
    CHECK(worker.run({.handler = "echo", .payload = "still here"}).result == "still here");
}

TEST_CASE("template and workers die with the daemon, whatever they do")
{
    REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    const pid_t daemon = ::fork();
    if (daemon == 0) {
        TestTemplate pool{test_module};
        TestWorker worker = pool.fork();
        (void)worker.offer({.handler = "hang", .want_started = true});
        (void)worker.hear();
        const std::array<pid_t, 2> pids{pool.pid(), worker.pid()};
        (void)!::write(ends[1], pids.data(), sizeof pids);
        (void)::raise(SIGKILL);
    }
    std::array<pid_t, 2> pids{};
    REQUIRE(::read(ends[0], pids.data(), sizeof pids) == sizeof pids);
    REQUIRE(::waitpid(daemon, nullptr, 0) == daemon);
    // The template may see the end of its link first; the worker looks at nothing.
    REQUIRE(::waitpid(pids[0], nullptr, 0) == pids[0]);
    int status = 0;
    REQUIRE(::waitpid(pids[1], &status, 0) == pids[1]);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGKILL);
    (void)::close(ends[0]);
    (void)::close(ends[1]);
}

TEST_CASE("template and worker leave at once when the daemon that they are of is not their parent")
{
    const Exit worker = run_spawned({"--daemon-pid", "1"});
    CHECK(worker.code == exit_code::ok);
    CHECK(worker.standard_error.empty());
    const TestTemplate pool{{"--daemon-pid", "1"}};
    CHECK(!pool.said_anything());
}

TEST_CASE("a worker is warm: what its template loaded it has, and what it did it keeps")
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    CHECK(worker.run({.handler = "counter"}).result == "1");
    CHECK(worker.run({.handler = "counter"}).result == "2");
    TestWorker other = pool.fork();
    CHECK(other.run({.handler = "counter"}).result == "1");
    CHECK(other.run({.handler = "pid"}).result == std::to_string(other.pid()));
}

TEST_CASE("a job finds its number in its environment, and so do a million after it")
{
    TestTemplate pool{
        Arguments{"--module", JOBMILL_TEST_MODULES "/testhandlers.so", "--socket", "/run/x.sock"}};
    TestWorker worker = pool.fork();
    for (const char* const expected : {"JOBMILL_JOB=101\n", "JOBMILL_JOB=102\n"}) {
        const std::string list = worker.run({.handler = "env"}).result;
        CAPTURE(list);
        CHECK(list.find(expected) != std::string::npos);
        CHECK(list.find("JOBMILL_SOCKET=/run/x.sock\n") != std::string::npos);
    }
}

TEST_CASE("nothing that a job started is left when its result comes")
{
    TestTemplate pool{test_module};
    TestWorker worker = pool.fork();
    const std::string pids = worker.run({.handler = "fork_tree", .payload = "20"}).result;
    CHECK(std::count(pids.begin(), pids.end(), '\n') == 20);
    for (std::size_t at = 0; at < pids.size(); at = pids.find('\n', at) + 1) {
        CHECK(::kill(static_cast<pid_t>(std::stol(pids.substr(at))), 0) == -1);
    }
    CHECK(worker.run({.handler = "echo", .payload = "next"}).result == "next");
}

TEST_CASE("a worker leaves a link that talks nonsense")
{
    TestTemplate pool;
    TestWorker worker = pool.fork();
    // A number that no handler has.
    Bytes frame;
    JobOffer offer;
    offer.sequence = Sequence{1};
    offer.handler = 999;
    encode(offer, frame);
    worker.link().send(frame);
    const int status = worker.await_death();
    CHECK(WEXITSTATUS(status) == 76);
    CHECK(worker.standard_error().find("no handler number 999") != std::string::npos);
}

}  // namespace jobmill::test
