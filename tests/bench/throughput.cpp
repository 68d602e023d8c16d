// SPDX-License-Identifier: MIT
// Tiny jobs a second, by how many of them a client has under way, and by how many clients there
// are. Two workers; each client submits another job for each result. The median of five rounds,
// with the least and the most. One JSON line. Usage: throughput [JOBS]
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

constexpr int rounds = 5;

void submit(Client& client, long jobs)
{
    static const std::string payload = "1";
    for (long i = 0; i < jobs; ++i) {
        (void)checked(client.submit({.handler = "sum", .payload = bytes_of(payload)}));
    }
    check(client.flush());
}

/// The results that are there, at least one.
long take(Client& client)
{
    long results = 0;
    while (results == 0) {
        for (auto event = checked(client.next()); event; event = client.poll_event()) {
            const auto* result = std::get_if<event::JobResult>(&*event);
            if (result != nullptr && result->state != JobState::succeeded) {
                give_up("a job has " + std::string{name_of(result->state)});
            }
            results += result != nullptr ? 1 : 0;
        }
    }
    return results;
}

/// Jobs a second, all clients together.
double rate(std::vector<Client>& clients, long jobs, long window)
{
    const auto start = Clock::now();
    const long each = std::max(jobs / static_cast<long>(clients.size()), window);
    std::vector<long> submitted(clients.size(), window);
    std::vector<long> left(clients.size(), each);
    for (Client& client : clients) {
        submit(client, window);
    }
    for (bool any = true; any;) {
        any = false;
        for (std::size_t i = 0; i < clients.size(); ++i) {
            if (left[i] == 0) {
                continue;
            }
            const long results = take(clients[i]);
            left[i] -= results;
            const long more = std::min(results, each - submitted[i]);
            submit(clients[i], more);
            submitted[i] += more;
            any = any || left[i] > 0;
        }
    }
    return static_cast<double>(each) * static_cast<double>(clients.size()) * 1000 /
           milliseconds_since(start);
}

std::string measure(const std::string& socket, long jobs, std::size_t sessions, long window)
{
    std::vector<Client> clients;
    clients.reserve(sessions);
    for (std::size_t i = 0; i < sessions; ++i) {
        clients.push_back(checked(Client::connect(socket)));
    }
    (void)rate(clients, window * 10, window);
    std::vector<double> rates;
    rates.reserve(rounds);
    for (int i = 0; i < rounds; ++i) {
        rates.push_back(rate(clients, jobs, window));
    }
    std::sort(rates.begin(), rates.end());
    const double median = rates.at(rates.size() / 2);
    return R"({"clients":)" + std::to_string(sessions) + R"(,"window":)" + std::to_string(window) +
           R"(,"jobs_per_s":)" + std::to_string(static_cast<long>(median)) + R"(,"least":)" +
           std::to_string(static_cast<long>(rates.front())) + R"(,"most":)" +
           std::to_string(static_cast<long>(rates.back())) + "}";
}

}  // namespace

int main(int argc, char** argv)
{
    constexpr long usual_jobs = 100'000;
    try {
        const long jobs = number_given(argc, argv, usual_jobs);
        tests::DaemonUnderTest daemon{std::make_shared<tests::Place>(),
                                      {.config = "[pool.default]\nworkers = 2\n"}};
        daemon.await_ready();
        std::string lines;
        for (const long window : {1L, 10L, 100L, 1000L}) {
            lines += measure(daemon.socket(), window == 1 ? jobs / 10 : jobs, 1, window) + ",";
        }
        for (const std::size_t sessions : {4U, 16U}) {
            lines += measure(daemon.socket(), jobs, sessions, 1000) + (sessions == 16 ? "" : ",");
        }
        (void)std::printf(R"({"bench":"throughput","workers":2,"from":[%s]})"
                          "\n",
                          lines.c_str());
        (void)daemon.stop();
    } catch (const std::exception& error) {
        give_up(error.what());
    }
}
