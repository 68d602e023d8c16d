// SPDX-License-Identifier: MIT
#include "tests/bench/measuring.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace jobmill::bench {

std::string Times::json()
{
    std::array<char, 96> text{};
    (void)std::snprintf(text.data(), text.size(), R"({"p50":%.3f,"p99":%.3f,"max":%.3f})",
                        quantile(0.5), quantile(0.99), quantile(1));
    return text.data();
}

void give_up(const std::string& why)
{
    (void)std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, why.c_str());
    std::exit(1);  // NOLINT(concurrency-mt-unsafe): nothing is left that could matter
}

long number_given(int argc, char** argv, long usual)
{
    if (argc < 2) {
        return usual;
    }
    char* end = nullptr;
    const long number = std::strtol(argv[1], &end, 10);
    if (end == argv[1] || *end != '\0' || number <= 0) {
        give_up(std::string{"not a number: "} + argv[1]);
    }
    return number;
}

}  // namespace jobmill::bench
