// SPDX-License-Identifier: MIT
// A job's limits in a warm worker: they hold for that job, and are gone with it.
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include <doctest/doctest.h>

#include "jobmill/cause_kind.hpp"
#include "tests/unit/worker/worker_harness.hpp"

// The sanitizer reserves memory as it likes, and ends a process that cannot have any.
#if defined(__SANITIZE_ADDRESS__)
#define MEMORY_TEST_CASE(name) TEST_CASE(name* doctest::skip())
#else
#define MEMORY_TEST_CASE(name) TEST_CASE(name)
#endif

namespace jobmill::test {
namespace {

const Arguments test_modules{"--module", JOBMILL_TEST_MODULES "/testhandlers.so", "--module",
                             JOBMILL_TEST_MODULES "/plain_c.so"};

constexpr std::uint64_t mebibyte = 1U << 20U;

Work eat(const char* handler, std::uint64_t mebibytes, JobLimits limits)
{
    return {.handler = handler, .payload = std::to_string(mebibytes * mebibyte), .limits = limits};
}

/// Writes so many bytes to a file that is gone afterwards.
struct WrittenFile {
    std::string path =
        (std::filesystem::temp_directory_path() / ("jobmill-limit-" + std::to_string(::getpid())))
            .string();
    WrittenFile() = default;
    ~WrittenFile() { std::filesystem::remove(path); }
    WrittenFile(const WrittenFile&) = delete;
    WrittenFile& operator=(const WrittenFile&) = delete;

    [[nodiscard]] Work of(std::uint64_t size, JobLimits limits = {}) const
    {
        return {.handler = "write_file",
                .payload = std::to_string(size),
                .args = {{"path", path}},
                .limits = limits};
    }
};

}  // namespace

MEMORY_TEST_CASE("a job that wants more memory than it may have fails, and the worker lives")
{
    TestTemplate pool{test_modules};
    TestWorker worker = pool.fork();
    for (const char* const handler : {"eat", "eat_c"}) {
        CAPTURE(handler);
        CHECK(worker.run(eat(handler, 100, {.memory = 200 * mebibyte})).succeeded);
        const Answer answer = worker.run(eat(handler, 300, {.memory = 200 * mebibyte}));
        CHECK(!answer.succeeded);
        CHECK(answer.cause.kind == "limit");
        CHECK(answer.cause.limit == "memory");
        CHECK(!answer.cause.text.empty());
        CHECK(worker.run(eat(handler, 300, {})).succeeded);
    }
    CHECK(worker.run({.handler = "pid"}).result == std::to_string(worker.pid()));
}

MEMORY_TEST_CASE("a failure for another reason is not blamed on a memory limit")
{
    TestTemplate pool{test_modules};
    TestWorker worker = pool.fork();
    const JobLimits limits{.memory = 200 * mebibyte};
    const Answer thrown = worker.run({.handler = "throw", .payload = "no", .limits = limits});
    CHECK(thrown.cause.kind == "error");
    CHECK(thrown.cause.limit.empty());
    CHECK(worker.run({.handler = "throw_int", .limits = limits}).cause.kind == "error");
    CHECK(worker.run({.handler = "silent", .limits = limits}).cause.kind == "error");
}

MEMORY_TEST_CASE("a memory limit is for what the job adds, and not for its large payload")
{
    TestTemplate pool{test_modules};
    TestWorker worker = pool.fork();
    CHECK(worker.run({.handler = "leak", .payload = std::to_string(100 * mebibyte)}).succeeded);
    CHECK(worker.run(eat("eat", 20, {.memory = 50 * mebibyte})).succeeded);
    const std::string large(60 * mebibyte, 'x');
    CHECK(worker.run({.handler = "echo", .payload = large, .limits = {.memory = mebibyte}})
              .result.size() == large.size());
}

TEST_CASE("a job that takes more CPU time than it may dies of SIGXCPU")
{
    TestTemplate pool{test_modules};
    TestWorker worker = pool.fork();
    CHECK(worker.run({.handler = "cpu", .payload = "10", .limits = {.cpu_ms = 500}}).succeeded);
    (void)worker.offer({.handler = "hang", .limits = {.cpu_ms = 100}});
    const int status = worker.await_death();
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGXCPU);
}

TEST_CASE("the CPU limit of one job does not kill the next")
{
    TestTemplate pool{test_modules};
    TestWorker worker = pool.fork();
    CHECK(worker.run({.handler = "cpu", .payload = "1", .limits = {.cpu_ms = 1}}).succeeded);
    CHECK(worker.run({.handler = "cpu", .payload = "1300"}).succeeded);
    // On top of the 1.3 s that are used.
    CHECK(worker.run({.handler = "cpu", .payload = "20", .limits = {.cpu_ms = 500}}).succeeded);
}

TEST_CASE("a job that writes a larger file than it may dies of SIGXFSZ, the next may")
{
    TestTemplate pool{test_modules};
    TestWorker worker = pool.fork();
    const WrittenFile file;
    CHECK(worker.run(file.of(100'000, {.file_size = 200'000})).succeeded);
    CHECK(worker.run(file.of(300'000)).succeeded);
    (void)worker.offer(file.of(300'000, {.file_size = 200'000}));
    const int status = worker.await_death();
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGXFSZ);
}

TEST_CASE("results and chunks are no files, nor are their descriptors the job's")
{
    TestTemplate pool{test_modules};
    TestWorker worker = pool.fork();
    const JobLimits limits{.file_size = 1000, .open_files = 3};
    CHECK(worker.run({.handler = "big", .payload = "3000000", .limits = limits}).result.size() ==
          3'000'000);
    const Answer chunks = worker.run(
        {.handler = "chunks", .args = {{"count", 3}, {"size", 100'000}}, .limits = limits});
    CHECK(chunks.chunks.size() == 3);
    CHECK(chunks.succeeded);
}

TEST_CASE("a result above the daemon's bound fails its job, and so does a large chunk")
{
    TestTemplate pool{test_modules};
    TestWorker worker = pool.fork();
    worker.layout().max_payload = 200'000;
    CHECK(worker.run({.handler = "big", .payload = "200000"}).result.size() == 200'000);
    for (const char* handler : {"big", "blank"}) {
        const Answer big = worker.run({.handler = handler, .payload = "200001"});
        CHECK_FALSE(big.succeeded);
        CHECK(big.result.empty());
        CHECK(big.cause.kind == cause_kind::error);
        CHECK(big.cause.text == "a result of 200001 bytes; the limit (max_payload) is 200000");
    }
    const Answer chunks =
        worker.run({.handler = "chunks", .args = {{"count", 1}, {"size", 200'001}}});
    CHECK(chunks.chunks.empty());
    CHECK(chunks.cause.text ==
          "a partial result of 200001 bytes; the limit (max_payload) is 200000");
    // It may change; and a small part of an endless stream is never too large.
    worker.layout().max_payload = 10;
    CHECK(
        worker.run({.handler = "chunks", .args = {{"count", 3}, {"size", 60'000}}}).chunks.size() ==
        3);
    CHECK_FALSE(worker.run({.handler = "big", .payload = "11"}).succeeded);
    worker.layout().max_payload = 0;
    CHECK(worker.run({.handler = "big", .payload = "300000"}).succeeded);
}

MEMORY_TEST_CASE("a result is held to the job's limit of memory by itself")
{
    TestTemplate pool{test_modules};
    TestWorker worker = pool.fork();
    const JobLimits limits{.memory = 64 << 20};
    const Answer answer = worker.run({.handler = "blank", .payload = "70000000", .limits = limits});
    CHECK_FALSE(answer.succeeded);
    CHECK(answer.cause.kind == cause_kind::limit);
    CHECK(answer.cause.limit == limit_name::memory);
    CHECK(worker.run({.handler = "blank", .payload = "60000000", .limits = limits}).succeeded);
}

TEST_CASE("a job has as many descriptors as it may, the three standard ones among them")
{
    TestTemplate pool{test_modules};
    TestWorker worker = pool.fork();
    const Work work{.handler = "open_files", .payload = "100", .limits = {.open_files = 5}};
    CHECK(worker.run(work).result == "2");
    CHECK(worker.run({.handler = "open_files", .payload = "100"}).result == "100");
    CHECK(worker.run(work).result == "2");
}

TEST_CASE("a job runs as nicely, and on those CPUs, as it may")
{
    TestTemplate pool{test_modules};
    TestWorker worker = pool.fork();
    cpu_set_t before{};
    REQUIRE(::sched_getaffinity(0, sizeof before, &before) == 0);
    unsigned cpu = 0;
    while (!CPU_ISSET(cpu, &before)) {
        ++cpu;
    }
    const JobLimits limits{.cpus = std::uint64_t{1} << cpu, .nice = 7};
    CHECK(worker.run({.handler = "echo", .limits = limits}).succeeded);
    const int own_nice = ::getpriority(PRIO_PROCESS, 0);
    CHECK(::getpriority(PRIO_PROCESS, static_cast<id_t>(worker.pid())) == std::max(7, own_nice));
    cpu_set_t its{};
    REQUIRE(::sched_getaffinity(worker.pid(), sizeof its, &its) == 0);
    CHECK(CPU_COUNT(&its) == 1);
    CHECK(CPU_ISSET(cpu, &its));
}

TEST_CASE("a job for which there is no CPU fails before it begins")
{
    TestTemplate pool{test_modules};
    TestWorker worker = pool.fork();
    const JobLimits limits{.cpus = std::uint64_t{1} << 63U};
    const Answer answer = worker.run({.handler = "counter", .limits = limits});
    CHECK(answer.cause.kind == "error");
    CHECK(answer.cause.text == "none of the CPUs that the job may use is there");
    CHECK(worker.run({.handler = "counter"}).result == "1");
}

TEST_CASE("a limit above what there is changes nothing")
{
    TestTemplate pool{test_modules};
    TestWorker worker = pool.fork();
    const JobLimits limits{.memory = unlimited - 1,
                           .cpu_ms = unlimited - 1,
                           .file_size = unlimited - 1,
                           .open_files = unlimited - 1,
                           .processes = unlimited - 1};
    CHECK(worker.run({.handler = "sum", .payload = "10", .limits = limits}).result == "55");
}

MEMORY_TEST_CASE("a result for which there is no room leaves the one before it")
{
    TestTemplate pool{test_modules};
    TestWorker worker = pool.fork();
    const Answer answer = worker.run({.handler = "heedless"});
    CHECK(answer.succeeded);
    CHECK_FALSE(answer.in_blob);
    CHECK(answer.result == "the first");
}

}  // namespace jobmill::test
