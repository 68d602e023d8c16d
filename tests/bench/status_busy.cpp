// SPDX-License-Identifier: MIT
// How long a status takes while every worker is busy and a million jobs wait. One JSON line in
// milliseconds. Usage: status_busy [JOBS]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "jobmill/client.hpp"
#include "tests/bench/measuring.hpp"
#include "tests/support/daemon_under_test.hpp"

using namespace jobmill;
using namespace jobmill::bench;

namespace {

constexpr int workers = 2;
constexpr int rounds = 200;

void take_events(Client& client)
{
    while (client.unfinished() > 0) {
        if (const auto event = checked(client.next());
            event && std::holds_alternative<event::JobError>(*event)) {
            give_up(std::get<event::JobError>(*event).error.text);
        }
    }
}

/// Two that run for as long as this does, and the others behind them.
double fill(const std::string& socket, long jobs)
{
    Client client = checked(Client::connect(socket));
    const auto start = Clock::now();
    for (long i = 0; i < jobs + workers; ++i) {
        const std::string_view handler = i < workers ? "sleep" : "echo";
        (void)checked(
            client.submit({.handler = handler, .payload = bytes_of("1000s"), .detached = true}));
        if (client.unfinished() > 500) {
            take_events(client);
        }
    }
    take_events(client);
    return Milliseconds{Clock::now() - start}.count();
}

bool as_expected(const Value& status, long jobs)
{
    const Value* pools = status.find("pools");
    const Array* list = pools == nullptr ? nullptr : pools->array();
    return list != nullptr && list->size() == 1 && list->front().integer_at("queued") == jobs &&
           list->front().integer_at("busy") == workers;
}

void measure(long jobs)
{
    tests::DaemonUnderTest daemon{
        std::make_shared<tests::Place>(),
        {.config = "max_jobs = 10000000\ndrain_timeout = \"0s\"\n[pool.default]\nworkers = " +
                   std::to_string(workers) + "\n"}};
    daemon.await_ready();
    const double filling = fill(daemon.socket(), jobs);
    std::vector<double> connected;
    std::vector<double> whole;
    for (int i = 0; i < rounds; ++i) {
        const auto start = Clock::now();
        Client client = checked(Client::connect(daemon.socket()));
        const auto asked = Clock::now();
        const auto answer = checked(client.answer(checked(client.status())));
        const auto end = Clock::now();
        const auto* status = std::get_if<event::Status>(&answer);
        if (status == nullptr || !as_expected(status->body, jobs)) {
            give_up("the queue is not what it should be");
        }
        connected.push_back(Milliseconds{end - asked}.count());
        whole.push_back(Milliseconds{end - start}.count());
    }
    std::sort(connected.begin(), connected.end());
    std::sort(whole.begin(), whole.end());
    (void)std::printf(
        "{\"bench\":\"status_busy\",\"queued\":%ld,\"rounds\":%d,\"submit_per_s\":%.0f,"
        "\"status_ms\":{\"p50\":%.3f,\"max\":%.3f},\"with_connect_ms\":{\"p50\":%.3f,\"max\":%.3f}}"
        "\n",
        jobs, rounds, static_cast<double>(jobs) / filling * 1e3, connected[rounds / 2],
        connected.back(), whole[rounds / 2], whole.back());
}

}  // namespace

int main(int argc, char** argv)
{
    constexpr long million = 1'000'000;
    try {
        measure(number_given(argc, argv, million));
    } catch (const std::exception& error) {
        give_up(error.what());
    }
}
