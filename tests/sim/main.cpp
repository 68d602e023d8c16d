// SPDX-License-Identifier: MIT
// jobmill-sim: random worlds around the dispatcher. One seed is a row of worlds, the same every
// time.
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>

#include "daemon/core/planted_bug.hpp"
#include "tests/sim/random_schedule.hpp"

namespace {

constexpr const char* usage =
    "usage: jobmill-sim [--seed N] [--seeds K] [--events M] [--threads T] [--enough E] [--trace]\n"
    "  --seed N     the first seed (1)\n"
    "  --seeds K    how many seeds, one after the other (1)\n"
    "  --events M   events that the core is told in each of them, at least (5000)\n"
    "  --threads T  so many seeds at the same time (1)\n"
#ifdef JOBMILL_PLANTED_BUGS
    "  --bug B      the mistake that the core makes (0: none)\n"
#endif
    "  --enough E   to stop after so many seeds that break a promise (5)\n"
    "  --trace      print every event and effect\n";

struct Options {
    std::uint64_t seed = 1;
    std::uint64_t seeds = 1;
    std::uint64_t events = 5000;
    std::uint64_t threads = 1;
    std::uint64_t bug = 0;
    std::uint64_t enough = 5;
    bool trace = false;
};

// For the handler of a failed assertion, which ends the program.
thread_local std::uint64_t current_seed = 0;
std::uint64_t current_events = 0;
std::uint64_t current_bug = 0;

void report(const char* what)
{
    const auto seed = static_cast<unsigned long long>(current_seed);
    const auto events = static_cast<unsigned long long>(current_events);
    (void)std::fflush(stdout);
    (void)std::fprintf(stderr, "seed %llu: %s\nreplay: ", seed, what);
    if (current_bug == 0) {
        (void)std::fprintf(stderr, "jobmill-sim");
    } else {
        (void)std::fprintf(stderr, "jobmill-sim-planted --bug %llu",
                           static_cast<unsigned long long>(current_bug));
    }
    (void)std::fprintf(stderr, " --seed %llu --events %llu --trace\n", seed, events);
}

bool parse(int argc, char** argv, Options& options)
{
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--trace") {
            options.trace = true;
            continue;
        }
        std::uint64_t* value = name == "--seed"      ? &options.seed
                               : name == "--seeds"   ? &options.seeds
                               : name == "--events"  ? &options.events
                               : name == "--threads" ? &options.threads
                               : name == "--bug"     ? &options.bug
                               : name == "--enough"  ? &options.enough
                                                     : nullptr;
        if (value == nullptr || i + 1 == argc) {
            return false;
        }
        char* end = nullptr;
        *value = std::strtoull(argv[++i], &end, 10);
        if (end == argv[i] || *end != '\0') {
            return false;
        }
    }
    return true;
}

/// False when this program was not compiled to make mistakes.
bool plant(std::uint64_t bug)
{
#ifdef JOBMILL_PLANTED_BUGS
    jobmill::core::planted_bug = static_cast<int>(bug);
    return true;
#else
    return bug == 0;
#endif
}

/// Throws a Violation when a promise is broken. A world may stop early; then the next begins.
std::uint64_t run_worlds(const Options& options)
{
    std::uint64_t done = 0;
    for (std::uint64_t life = 0; done < options.events; ++life) {
        jobmill::sim::RandomSchedule schedule(current_seed, life);
        jobmill::sim::FakeWorld& world = schedule.world();
        if (options.trace) {
            world.trace = [](const std::string& line) { (void)std::puts(line.c_str()); };
        }
        try {
            schedule.run(options.events - done);
        } catch (const std::exception&) {
            if (options.trace) {
                (void)std::puts(world.summary().c_str());
            }
            throw;
        }
        done += world.events();
    }
    return done;
}

bool run_seed(const Options& options, std::atomic<std::uint64_t>& events)
{
    try {
        events += run_worlds(options);
    } catch (const std::exception& violation) {
        report(violation.what());
        return false;
    }
    return true;
}

struct Tally {
    std::atomic<std::uint64_t> next = 0;
    std::atomic<std::uint64_t> worlds = 0;
    std::atomic<std::uint64_t> broken = 0;
    std::atomic<std::uint64_t> events = 0;
};

void run_seeds(const Options& options, Tally& tally)
{
    while (tally.broken < options.enough) {
        const std::uint64_t which = tally.next++;
        if (which >= options.seeds) {
            return;
        }
        current_seed = options.seed + which;
        ++tally.worlds;
        tally.broken += run_seed(options, tally.events) ? 0U : 1U;
    }
}

}  // namespace

int main(int argc, char** argv)
{
    Options options;
    if (!parse(argc, argv, options)) {
        (void)std::fputs(usage, stderr);
        return 64;
    }
    if (!plant(options.bug)) {
        return 64;
    }
    (void)std::signal(SIGABRT, [](int) { report("an assertion failed"); });
    current_events = options.events;
    current_bug = options.bug;
    Tally tally;
    std::vector<std::thread> threads;
    for (std::uint64_t i = 1; i < options.threads; ++i) {
        threads.emplace_back([&] { run_seeds(options, tally); });
    }
    run_seeds(options, tally);
    for (std::thread& thread : threads) {
        thread.join();
    }
    (void)std::printf("%llu of %llu seeds kept every promise, in %llu events\n",
                      static_cast<unsigned long long>(tally.worlds - tally.broken),
                      static_cast<unsigned long long>(tally.worlds),
                      static_cast<unsigned long long>(tally.events));
    return tally.broken == 0 ? 0 : 1;
}
