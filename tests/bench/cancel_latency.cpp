// SPDX-License-Identifier: MIT
// How soon a cancelled job makes room. A pool of one worker: a job runs, another waits behind it,
// the first is cancelled. Measured from the cancel until the first has its terminal event, and
// until the other runs in its slot. One JSON line in milliseconds. Usage: cancel_latency [ROUNDS]
#include <cstdio>
#include <exception>
#include <memory>
#include <string>

#include "jobmill/client.hpp"
#include "tests/bench/measuring.hpp"
#include "tests/support/daemon_under_test.hpp"

using namespace jobmill;
using namespace jobmill::bench;

namespace {

struct Case {
    const char* name;
    const char* handler;
    const char* payload;
    bool command;  ///< its words are the payload's
    /// What cancelling means to it: it stops and says so, or is stopped.
    JobState ends_as;
};

constexpr Case cases[] = {
    {"cooperative", "until_cancelled", "", false, JobState::succeeded},
    {"sleep", "sleep", "1h", false, JobState::cancelled},
    {"sum", "sum", "6000000000", false, JobState::cancelled},
    {"sigterm", "hang", "", false, JobState::cancelled},
    {"command", "exec", "", true, JobState::cancelled},
};

/// Reads events until both have come, and tells when.
struct Freed {
    double result = -1;
    double next = -1;
};

template <typename Event>
Event await(Client& client, Tag tag)
{
    while (true) {
        const auto event = checked(client.next());
        if (!event) {
            give_up("no event");
        }
        if (const auto* error = std::get_if<event::JobError>(&*event)) {
            give_up(error->error.text);
        }
        if (const auto* found = std::get_if<Event>(&*event);
            found != nullptr && found->tag == tag) {
            return *found;
        }
    }
}

Freed cancel_one(Client& client, const Case& what)
{
    Map args;
    if (what.command) {
        args.emplace_back("argv", Array{Value{"sleep"}, Value{"1000"}});
    }
    const Tag first = checked(client.submit({.handler = what.handler,
                                             .payload = bytes_of(what.payload),
                                             .args = args,
                                             .started = true}));
    check(client.flush());
    (void)await<event::Started>(client, first);
    const Tag second = checked(client.submit({.handler = "pid", .started = true}));
    (void)await<event::Accepted>(client, second);
    const auto start = Clock::now();
    check(client.cancel(first));
    Freed freed;
    while (freed.result < 0 || freed.next < 0) {
        const auto event = checked(client.next());
        const double now = milliseconds_since(start);
        if (const auto* started = std::get_if<event::Started>(&*event)) {
            freed.next = started->tag == second ? now : freed.next;
        } else if (const auto* result = std::get_if<event::JobResult>(&*event);
                   result != nullptr && result->tag == first) {
            freed.result = now;
            if (result->state != what.ends_as) {
                give_up(std::string{what.name} + " ended as " +
                        std::string{name_of(result->state)});
            }
        }
    }
    (void)await<event::JobResult>(client, second);
    return freed;
}

void measure(long rounds)
{
    tests::DaemonUnderTest daemon{
        std::make_shared<tests::Place>(),
        {.config = "[pool.default]\nworkers = 1\nmodules = [\"" JOBMILL_TEST_MODULES
                   "/testhandlers.so\"]\n"}};
    daemon.await_ready();
    Client client = checked(Client::connect(daemon.socket()));
    std::string line = R"({"bench":"cancel_latency","rounds":)" + std::to_string(rounds);
    for (const Case& what : cases) {
        Times results;
        Times nexts;
        for (long i = 0; i < rounds; ++i) {
            const Freed freed = cancel_one(client, what);
            results.add(freed.result);
            nexts.add(freed.next);
        }
        line += std::string{",\""} + what.name + R"(":{"result_ms":)" + results.json() +
                R"(,"next_ms":)" + nexts.json() + "}";
    }
    (void)std::printf("%s}\n", line.c_str());
    (void)daemon.stop();
}

}  // namespace

int main(int argc, char** argv)
{
    constexpr long usual_rounds = 100;
    try {
        measure(number_given(argc, argv, usual_rounds));
    } catch (const std::exception& error) {
        give_up(error.what());
    }
}
