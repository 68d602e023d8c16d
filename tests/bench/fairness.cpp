// SPDX-License-Identifier: MIT
// What a large queue of one client costs another. One client has a great many detached short jobs
// waiting, from one session or from many; another connects and submits its first. Measured is what
// that one takes longer than on an idle daemon, in units of a short job's time; each round is a
// session of its own. One JSON line. Usage: fairness [JOBS]
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "jobmill/client.hpp"
#include "tests/bench/measuring.hpp"
#include "tests/support/daemon_under_test.hpp"

using namespace jobmill;
using namespace jobmill::bench;

namespace {

constexpr int workers = 2;
constexpr int rounds = 50;
constexpr double job_ms = 4;
constexpr double starved_ms = 5000;
constexpr std::uint64_t trial = 10'000'000;

/// Until every submit has its answer; how many were refused.
long settle(Client& client)
{
    long refused = 0;
    while (client.unfinished() > 0) {
        const auto event = checked(client.next());
        refused += event && std::holds_alternative<event::JobError>(*event) ? 1 : 0;
    }
    return refused;
}

/// So many jobs, taking turns between so many sessions; how many the daemon took.
long fill(const std::string& socket, long jobs, int sessions, const std::string& payload)
{
    std::vector<Client> clients;
    clients.reserve(static_cast<std::size_t>(sessions));
    for (int i = 0; i < sessions; ++i) {
        clients.push_back(checked(Client::connect(socket)));
    }
    constexpr long burst = 500;
    long refused = 0;
    for (long submitted = 0; submitted < jobs && refused == 0;) {
        for (Client& client : clients) {
            for (long i = 0; i < burst && submitted < jobs; ++i, ++submitted) {
                (void)checked(client.submit(
                    {.handler = "sum", .payload = bytes_of(payload), .detached = true}));
            }
            refused += settle(client);
        }
    }
    return jobs - refused;
}

/// Of a session's first job, from the connection to the result, in milliseconds; or until nobody
/// would wait any longer.
double first_job(const std::string& socket, const std::string& payload)
{
    const auto start = Clock::now();
    Client client = checked(Client::connect(socket));
    (void)checked(client.submit({.handler = "sum", .payload = bytes_of(payload)}));
    while (milliseconds_since(start) < starved_ms) {
        const auto event = checked(client.next(std::chrono::milliseconds{100}));
        const auto* result = event ? std::get_if<event::JobResult>(&*event) : nullptr;
        if (result != nullptr && result->state != JobState::succeeded) {
            give_up("a job has " + std::string{name_of(result->state)});
        }
        if (result != nullptr) {
            break;
        }
    }
    return milliseconds_since(start);
}

/// What makes a job of the time that is wanted.
std::string payload_of_job(const std::string& socket)
{
    Client client = checked(Client::connect(socket));
    const std::string payload = std::to_string(trial);
    Times times;
    for (int i = 0; i < rounds; ++i) {
        times.add(static_cast<double>(
                      checked(client.run({.handler = "sum", .payload = bytes_of(payload)}))
                          .result.run_ns) /
                  1e6);
    }
    return std::to_string(
        static_cast<std::uint64_t>(static_cast<double>(trial) * job_ms / times.quantile(0.5)));
}

std::string measure(long jobs, int sessions)
{
    tests::DaemonUnderTest daemon{
        std::make_shared<tests::Place>(),
        {.config = "max_jobs = 10000000\ndrain_timeout = \"0s\"\n[pool.default]\nworkers = " +
                   std::to_string(workers) + "\n"}};
    daemon.await_ready();
    const std::string payload = payload_of_job(daemon.socket());
    Times alone;
    for (int i = 0; i < rounds; ++i) {
        alone.add(first_job(daemon.socket(), payload));
    }
    const long queued = fill(daemon.socket(), jobs, sessions, payload);
    Times delays;
    int starved = 0;
    for (int i = 0; i < rounds && starved < 2; ++i) {
        const double time = first_job(daemon.socket(), payload);
        starved += time >= starved_ms ? 1 : 0;
        delays.add(std::max(0.0, time - alone.quantile(0.5)) / job_ms);
    }
    (void)daemon.stop();
    return R"({"sessions":)" + std::to_string(sessions) + R"(,"queued":)" + std::to_string(queued) +
           R"(,"rounds":)" + std::to_string(delays.count()) + R"(,"starved":)" +
           std::to_string(starved) + R"(,"delay_in_jobs":)" + delays.json() + "}";
}

}  // namespace

int main(int argc, char** argv)
{
    constexpr long usual_jobs = 100'000;
    constexpr int many = 16;
    try {
        const long jobs = number_given(argc, argv, usual_jobs);
        const std::string one = measure(jobs, 1);
        (void)std::printf(R"({"bench":"fairness","workers":%d,"job_ms":%.0f,"from":[%s,%s]})"
                          "\n",
                          workers, job_ms, one.c_str(), measure(jobs, many).c_str());
    } catch (const std::exception& error) {
        give_up(error.what());
    }
}
