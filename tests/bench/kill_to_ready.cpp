// SPDX-License-Identifier: MIT
// How long a killed worker is missed. A pool of one worker: the idle worker is killed by SIGKILL
// and a job is submitted at once; what its result takes longer than the median of the same job on
// an idle worker is the time from the kill until the replacement serves. One JSON line in
// milliseconds.
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include "tests/bench/measuring.hpp"
#include "tests/e2e/binary_client.hpp"
#include "tests/support/daemon_under_test.hpp"

using namespace jobmill;
using namespace jobmill::bench;

namespace {

constexpr int rounds = 1000;

/// Runs a job that tells its worker's process.
pid_t run_job(tests::BinaryClient& client)
{
    client.submit(1, "pid");
    const pid_t pid = static_cast<pid_t>(std::stol(client.result(1).payload));
    client.forget_others();
    return pid;
}

double median_job(tests::BinaryClient& client)
{
    Times times;
    for (int i = 0; i < rounds; ++i) {
        const auto start = Clock::now();
        (void)run_job(client);
        times.add(milliseconds_since(start));
    }
    return times.quantile(0.5);
}

/// The worker is a child of the daemon that was reported this moment and is idle.
void kill_worker(pid_t pid)
{
    const UniqueFd process{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
    (void)::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
}

void measure()
{
    tests::DaemonUnderTest daemon{
        std::make_shared<tests::Place>(),
        {.config =
             "log_level = \"info\"\n[pool.default]\nworkers = 1\nmodules = [\"" JOBMILL_TEST_MODULES
             "/testhandlers.so\"]\n"}};
    daemon.await_ready();
    tests::BinaryClient client{daemon.socket()};
    const double job = median_job(client);
    Times times;
    for (pid_t worker = run_job(client); times.count() < rounds;) {
        const auto start = Clock::now();
        kill_worker(worker);
        client.submit(1, "pid");
        const tests::WholeResult result = client.result(1);
        const double time = milliseconds_since(start);
        client.forget_others();
        if (result.state == JobState::succeeded) {
            times.add(std::max(0.0, time - job));
            worker = static_cast<pid_t>(std::stol(result.payload));
        } else {
            // The job reached the worker before its death was known.
            worker = run_job(client);
        }
    }
    (void)std::printf(
        "{\"bench\":\"kill_to_ready\",\"n\":%zu,\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f,"
        "\"job_p50\":%.3f}\n",
        times.count(), times.quantile(0.5), times.quantile(0.99), times.quantile(1), job);
    (void)daemon.stop();
}

}  // namespace

int main()
{
    try {
        measure();
    } catch (const std::exception& error) {
        give_up(error.what());
    }
}
