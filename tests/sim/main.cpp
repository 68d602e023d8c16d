// SPDX-License-Identifier: MIT
// jobmill-sim: random worlds around the dispatcher. One seed is one world, the same every time.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "tests/sim/random_schedule.hpp"

namespace {

constexpr const char* usage =
    "usage: jobmill-sim [--seed N] [--seeds K] [--events M] [--trace]\n"
    "  --seed N    the first seed (1)\n"
    "  --seeds K   how many seeds, one after the other (1)\n"
    "  --events M  random events in each world before it calms down (2000)\n"
    "  --trace     print every event and effect\n";

struct Options {
    std::uint64_t seed = 1;
    std::uint64_t seeds = 1;
    std::uint64_t events = 2000;
    bool trace = false;
};

// For the handler of a failed assertion, which ends the program.
std::uint64_t current_seed = 0;
std::uint64_t current_events = 0;

void report(const char* what)
{
    (void)std::fprintf(stderr,
                       "seed %llu: %s\nreplay: jobmill-sim --seed %llu --events %llu --trace\n",
                       static_cast<unsigned long long>(current_seed), what,
                       static_cast<unsigned long long>(current_seed),
                       static_cast<unsigned long long>(current_events));
}

bool parse(int argc, char** argv, Options& options)
{
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--trace") {
            options.trace = true;
            continue;
        }
        std::uint64_t* value = name == "--seed"     ? &options.seed
                               : name == "--seeds"  ? &options.seeds
                               : name == "--events" ? &options.events
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

bool run(const Options& options)
{
    try {
        jobmill::sim::RandomSchedule schedule(current_seed);
        if (options.trace) {
            schedule.world().trace = [](const std::string& line) { (void)std::puts(line.c_str()); };
        }
        schedule.run(options.events);
    } catch (const jobmill::sim::Violation& violation) {
        report(violation.what());
        return false;
    }
    return true;
}

}  // namespace

int main(int argc, char** argv)
{
    Options options;
    if (!parse(argc, argv, options)) {
        (void)std::fputs(usage, stderr);
        return 64;
    }
    (void)std::signal(SIGABRT, [](int) { report("an assertion failed"); });
    current_events = options.events;
    constexpr std::uint64_t enough = 5;
    std::uint64_t worlds = 0;
    std::uint64_t broken = 0;
    for (; worlds < options.seeds && broken < enough; ++worlds) {
        current_seed = options.seed + worlds;
        broken += run(options) ? 0U : 1U;
    }
    (void)std::printf("%llu of %llu worlds kept every promise\n",
                      static_cast<unsigned long long>(worlds - broken),
                      static_cast<unsigned long long>(worlds));
    return broken == 0 ? 0 : 1;
}
