// SPDX-License-Identifier: MIT
// Measures one service by one workload, in one process. Usage: PROGRAM WORKLOAD [PART]: how long it
// may take, as a part of a whole run's time. A program with one workload wants no name of it.
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/measuring.hpp"
#include "tests/bench/workloads/line.hpp"
#include "tests/bench/workloads/workloads.hpp"

using namespace jobmill::bench;

namespace {

Scale scale_of(std::string_view word)
{
    Scale scale;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), scale.part);
    if (error != std::errc{} || end != word.data() + word.size() || scale.part <= 0) {
        give_up("no part of a time: " + std::string{word});
    }
    return scale;
}

void measure(const Workload& workload, const Scale& scale)
{
    const auto service = make_service();
    try {
        workload.run(*service, scale);
    } catch (const Unsupported& error) {
        Line{workload.name, service->name()}.text("skipped", error.what()).print();
    }
}

}  // namespace

int main(int argc, char** argv)
{
    std::vector<std::string_view> words;
#ifdef JOBMILL_BENCH_WORKLOAD
    words.emplace_back(JOBMILL_BENCH_WORKLOAD);
#endif
    std::copy(argv + 1, argv + argc, std::back_inserter(words));
    try {
        for (const Workload& workload : workloads()) {
            if (!words.empty() && workload.name == words[0]) {
                measure(workload, words.size() > 1 ? scale_of(words[1]) : Scale{});
                return 0;
            }
        }
        give_up("no such workload");
    } catch (const std::exception& error) {
        give_up(error.what());
    }
}
