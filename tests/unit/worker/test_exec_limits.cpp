// SPDX-License-Identifier: MIT
// Limits, measurement and environment of commands, in a real worker.
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include <doctest/doctest.h>

#include "tests/unit/worker/worker_harness.hpp"
#include "worker/handlers/command_limits.hpp"
#include "worker/handlers/peak_sampler.hpp"

namespace jobmill::test {
namespace {

constexpr std::uint64_t mebibyte = 1U << 20U;

Work shell(const char* script, JobLimits limits = {})
{
    return {.handler = "exec", .args = {{"argv", Array{"sh", "-c", script}}}, .limits = limits};
}

std::string output(const Answer& answer)
{
    std::string text;
    for (std::size_t i = 0; i < answer.chunks.size(); ++i) {
        text += answer.streams[i] == Stream::out ? answer.chunks[i] : "";
    }
    return text;
}

std::string value_of(const std::string& name, const handlers::CommandLimit& limit)
{
    return name + ' ' + std::to_string(limit.limit.rlim_cur);
}

}  // namespace

TEST_CASE("workers and commands run in batches, unless another policy was chosen")
{
    TestTemplate pool{{"--allow-exec"}};
    TestWorker worker = pool.fork();
    const char* const ask = "cut -d ' ' -f 41 /proc/self/stat /proc/$PPID/stat";
    const int own = ::sched_getscheduler(0);
    const std::string policy = std::to_string(own == SCHED_OTHER ? SCHED_BATCH : own) + "\n";
    CHECK(output(worker.run(shell(ask))) == policy + policy);
}

TEST_CASE("a command is held to its limits, hard, and the worker is not")
{
    TestTemplate pool{{"--allow-exec"}};
    TestWorker worker = pool.fork();
    const JobLimits limits{.memory = 64 * mebibyte,
                           .cpu_ms = 1500,
                           .file_size = mebibyte,
                           .open_files = 17,
                           .nice = 3};
    const char* const ask =
        "ulimit -Sd; ulimit -Hd; ulimit -St; ulimit -Ht; ulimit -Sf; ulimit -Hf; "
        "ulimit -Sn; ulimit -Hn; cut -d ' ' -f 19 /proc/self/stat";
    const int own_nice = ::getpriority(PRIO_PROCESS, 0);
    CHECK(output(worker.run(shell(ask, limits))) == "65536\n65536\n2\n3\n2048\n2048\n17\n17\n" +
                                                        std::to_string(std::max(3, own_nice)) +
                                                        "\n");
    const std::string before = output(worker.run(shell(ask)));
    CHECK(before.starts_with("unlimited\n"));
    CHECK(before.ends_with("\n" + std::to_string(own_nice) + "\n"));
}

TEST_CASE(
    "commands begin with fewer descriptors than their worker may have, unless the job says so")
{
    const char* const ask = "ulimit -Sn; ulimit -Hn";
    TestTemplate usual{{"--allow-exec"}};
    const std::string own = output(usual.fork().run(shell(ask)));
    const std::string most = own.substr(own.find('\n') + 1);
    TestTemplate pool{{"--allow-exec", "--command-descriptors", "123"}};
    TestWorker worker = pool.fork();
    CHECK(output(worker.run(shell(ask))) == "123\n" + most);
    CHECK(output(worker.run(shell(ask, {.open_files = 200}))) == "200\n200\n");
}

TEST_CASE("a command that died of a limit is told so, with the signal")
{
    TestTemplate pool{{"--allow-exec"}};
    TestWorker worker = pool.fork();
    const Answer spun = worker.run(shell("while :; do :; done", {.cpu_ms = 100}));
    CHECK(spun.cause.kind == "limit");
    CHECK(spun.cause.limit == "cpu");
    CHECK(spun.cause.signal == "SIGXCPU");
    const Answer deaf = worker.run(shell("trap '' XCPU; while :; do :; done", {.cpu_ms = 100}));
    CHECK(deaf.cause.limit == "cpu");
    CHECK(deaf.cause.signal == "SIGKILL");
    // The same signals without such limits are signals.
    CHECK(worker.run(shell("kill -XCPU $$")).cause.kind == "signal");
    CHECK(worker.run(shell("kill -XFSZ $$", {.cpu_ms = 5000})).cause.kind == "signal");
    const Answer large = worker.run(shell("kill -XFSZ $$", {.file_size = 5000}));
    CHECK(large.cause.kind == "limit");
    CHECK(large.cause.limit == "file_size");
    CHECK(large.cause.text == "sh: SIGXFSZ");
    // A shell tells of its own command by its exit code.
    const Answer behind =
        worker.run(shell("sh -c 'while :; do :; done'; exit $?", {.cpu_ms = 100}));
    CHECK(behind.cause.kind == "limit");
    CHECK(behind.cause.limit == "cpu");
    CHECK(behind.cause.exit_code == 128 + SIGXCPU);
    const Answer wrote = worker.run(shell("sh -c 'kill -XFSZ $$'; exit $?", {.file_size = 5000}));
    CHECK(wrote.cause.limit == "file_size");
    CHECK(wrote.cause.exit_code == 128 + SIGXFSZ);
    CHECK(worker.run(shell("exit 153", {.cpu_ms = 5000})).cause.kind == "exit");
    CHECK(worker.run(shell("exit 152", {.file_size = 5000})).cause.kind == "exit");
    CHECK(worker.run(shell("exit 153")).cause.kind == "exit");
}

TEST_CASE("a command for which there is no CPU is not started")
{
    TestTemplate pool{{"--allow-exec"}};
    TestWorker worker = pool.fork();
    const Answer answer = worker.run(shell("true", {.cpus = std::uint64_t{1} << 63U}));
    CHECK(answer.cause.kind == "exec");
    CHECK(answer.cause.text == "exec: sh: cpus: Invalid argument");
}

TEST_CASE("the second net for processes counts what the user runs, with room for others")
{
    const std::uint64_t now = handlers::tasks_of_user();
    CHECK(now >= 1);
    std::thread more{[] { CHECK(handlers::tasks_of_user() >= 2); }};
    more.join();
    const auto limits = handlers::command_limits({.processes = 10});
    REQUIRE(limits.size() == 1);
    CAPTURE(value_of("NPROC", limits[0]));
    CHECK(limits[0].resource == RLIMIT_NPROC);
    CHECK(limits[0].limit.rlim_max > 10 + now / 2);
    CHECK(handlers::command_limits({}).empty());
    CHECK(handlers::command_limits({.cpu_ms = 2000}).at(0).limit.rlim_cur == 2);
}

TEST_CASE("a command's CPU time is measured, its peak is seen from time to time")
{
    TestTemplate pool{{"--allow-exec"}};
    TestWorker worker = pool.fork();
    const Answer busy = worker.run(shell("i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done"));
    REQUIRE(busy.usage.cpu_ns);
    CHECK(*busy.usage.cpu_ns > 5'000'000);
    const Answer great = worker.run(
        shell("x=$(head -c 50000000 /dev/zero | tr '\\0' x); echo ${#x}; sleep 0.02; exit 0"));
    CHECK(output(great) == "50000000\n");
    REQUIRE(great.usage.peak_rss);
    CHECK(*great.usage.peak_rss > 50'000'000);
    CHECK(great.usage.approximate);
}

TEST_CASE("of a command that nobody saw the peak is told if it is more than the worker's")
{
    TestTemplate pool{{"--allow-exec"}};
    TestWorker worker = pool.fork();
    rusage own{};
    REQUIRE(::getrusage(RUSAGE_SELF, &own) == 0);
    handlers::PeakSampler sampler{::getpid()};
    CHECK(sampler.look().count() > 0);
    CHECK(sampler.peak() == 0);  // it has only just begun
    sampler.take_last(own);
    CHECK(sampler.peak() == 0);
    own.ru_maxrss += 4096;
    sampler.take_last(own);
    CHECK(sampler.peak() == static_cast<std::uint64_t>(own.ru_maxrss) * 1024);
    const Answer great = worker.run(shell("x=$(head -c 50000000 /dev/zero | tr '\\0' x); exit 0"));
    REQUIRE(great.usage.peak_rss);
    CHECK(*great.usage.peak_rss > 50'000'000);
}

TEST_CASE("a command finds its job and the daemon's socket in its environment")
{
    TestTemplate pool{{"--allow-exec", "--socket", "/run/x.sock"}};
    TestWorker worker = pool.fork();
    const char* const ask = "echo $JOBMILL_JOB $JOBMILL_SOCKET";
    const Sequence sequence = worker.offer(shell(ask));
    const std::string expected = std::to_string(100 + number(sequence)) + " /run/x.sock\n";
    CHECK(output(worker.await_answer(sequence)) == expected);
    Work own = shell(ask);
    // As when it was submitted from within a job of another daemon.
    own.args.emplace_back("env",
                          Array{"PATH=/bin:/usr/bin", "JOBMILL_SOCKET=/other", "JOBMILL_JOB=7"});
    CHECK(output(worker.run(own)) == "102 /run/x.sock\n");
}

TEST_CASE("a worker that waits for its command, or for its reader, is seen to live")
{
    TestTemplate pool{{"--allow-exec"}};
    TestWorker worker = pool.fork();
    const Sequence sequence = worker.offer(shell("echo x; exec sleep 3600"));
    REQUIRE(worker.hear());
    for (int i = 0; i < 3; ++i) {
        CHECK(worker.shows_life());
    }
    worker.kill(SIGTERM);
    CHECK(worker.await_answer(sequence).cause.signal == "SIGTERM");
    // Nobody reads what it says.
    (void)worker.offer(shell("exec yes"));
    (void)worker.await_standstill();
    for (int i = 0; i < 3; ++i) {
        CHECK(worker.shows_life());
    }
}

}  // namespace jobmill::test
