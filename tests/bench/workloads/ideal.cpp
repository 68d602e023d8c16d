// SPDX-License-Identifier: MIT
#include "tests/bench/workloads/ideal.hpp"

#include <array>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

namespace jobmill::bench {

double ideal_ms(std::uint64_t microseconds, std::uint64_t jobs, std::uint64_t first)
{
    const std::string command = std::string{JOBMILL_STATIC_SPLIT} + " spin 2 " +
                                std::to_string(microseconds) + " " + std::to_string(jobs) + " " +
                                std::to_string(first);
    // NOLINTNEXTLINE(cert-env33-c): the words are a path of the build and three numbers
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> output{::popen(command.c_str(), "r"),
                                                                 ::pclose};
    std::array<char, 256> line{};
    double answer = 0;
    constexpr std::string_view member = "\"makespan_ms\":";
    if (output && std::fgets(line.data(), line.size(), output.get()) != nullptr) {
        const std::string text{line.data()};
        if (const std::size_t at = text.find(member); at != std::string::npos) {
            answer = std::stod(text.substr(at + member.size()));
        }
    }
    if (answer <= 0) {
        throw std::runtime_error{"static_split says nothing"};
    }
    return answer;
}

}  // namespace jobmill::bench
