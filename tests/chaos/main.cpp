// SPDX-License-Identifier: MIT
// jobmill-chaos: a real daemon whose workers, templates and clients are killed and stopped at
// random while they work. Its clients are processes of this same program.
#include <sys/prctl.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <filesystem>
#include <string_view>

#include "tests/chaos/arena.hpp"
#include "tests/chaos/chaos_client.hpp"

using namespace jobmill::chaos;

namespace {

constexpr const char* usage =
    "usage: jobmill-chaos [--seconds N] [--seed S] [--keep]\n"
    "  --seconds N  how long it lasts (60, at most 600)\n"
    "  --seed S     of all that happens by chance, as far as a machine repeats itself (the time)\n"
    "  --keep       leave the histories and the daemon's log, even if all is well\n";

/// All histories are judged at once, in memory: who wants hours has runs one after another.
constexpr std::uint64_t most_seconds = 600;

std::uint64_t number_of(const char* text)
{
    return std::strtoull(text, nullptr, 10);
}

/// Words as Arena::start_client() says them.
int run_client(char** words)
{
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ChaosClient{{.socket = words[0],
                 .directory = words[1],
                 .seat = static_cast<unsigned>(number_of(words[2])),
                 .generation = static_cast<unsigned>(number_of(words[3])),
                 .seed = number_of(words[4]),
                 .deadline = static_cast<std::int64_t>(number_of(words[5])),
                 .gates = number_of(words[6])}}
        .run();
    return 0;
}

bool parse(int argc, char** argv, ArenaOptions& options)
{
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--keep") {
            options.keep = true;
            continue;
        }
        std::uint64_t* const value = name == "--seconds" ? &options.seconds
                                     : name == "--seed"  ? &options.seed
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
    return options.seconds > 0 && options.seconds <= most_seconds;
}

}  // namespace

int main(int argc, char** argv)
{
    constexpr int client_words = 9;
    try {
        if (argc == client_words && std::strcmp(argv[1], "client") == 0) {
            return run_client(argv + 2);
        }
        ArenaOptions options{.program = std::filesystem::read_symlink("/proc/self/exe"),
                             .seed = static_cast<std::uint64_t>(std::time(nullptr))};
        if (!parse(argc, argv, options)) {
            (void)std::fputs(usage, stderr);
            return 2;
        }
        return run_arena(options) ? 0 : 1;
    } catch (const std::exception& error) {
        (void)std::fprintf(stderr, "jobmill-chaos: %s\n", error.what());
        return 1;
    }
}
