// SPDX-License-Identifier: MIT
#include <algorithm>
#include <csignal>
#include <vector>

#include "tests/bench/measuring.hpp"
#include "tests/bench/workloads/line.hpp"
#include "tests/bench/workloads/workloads.hpp"

namespace jobmill::bench {
namespace {

constexpr double steady_ms = 500;  ///< before the kill
constexpr double after_ms = 500;
constexpr double enough = 0.8;
constexpr int looked_at_ms = 200;
constexpr int dips_within_ms = 30;

struct Recovery {
    double back_ms = 0;  ///< after a dip, until a span has enough of what one had before
    double least = 1;    ///< share that a span has
};

Recovery recovery(const std::vector<double>& results, double killed, double span)
{
    const auto between = [&](double from, double to) {
        return static_cast<double>(std::lower_bound(results.begin(), results.end(), to) -
                                   std::lower_bound(results.begin(), results.end(), from));
    };
    constexpr double before = 300;
    const double usual = between(killed - before, killed) / before * span;
    Recovery found;
    bool dipped = false;
    bool back = false;
    for (int at = 0; at < looked_at_ms; ++at) {
        const double share = between(killed + at, killed + at + span) / usual;
        found.least = std::min(found.least, share);
        if (!dipped && at < dips_within_ms) {
            dipped = share < enough;
        }
        if (dipped && !back) {
            back = share >= enough;
            found.back_ms = at;
        }
    }
    return found;
}

/// Between two results within so long from then on.
double longest_pause(const std::vector<double>& results, double begin)
{
    constexpr double end_after = 100;
    double longest = 0;
    double last = begin;
    for (const double result : results) {
        if (result >= begin && result < begin + end_after) {
            longest = std::max(longest, result - last);
            last = result;
        }
    }
    return std::max(longest, begin + end_after - last);
}

}  // namespace

void killed(Service& service, const Scale& /*scale*/)
{
    // A whole window comes in a span, so that its lumps do not look like gaps.
    constexpr std::size_t window = 1000;
    constexpr double span = 20;
    service.start(2);
    (void)service.call({});
    const pid_t victim = service.worker();
    const auto start = Clock::now();
    std::vector<double> results;
    double killed_at = 0;
    std::size_t wanted = 0;
    while (killed_at == 0 || results.back() < killed_at + after_ms) {
        const std::size_t some = window * 10;
        wanted += some;
        service.stream(
            some, window, [](std::size_t) { return Task{}; },
            [&](std::string_view) {
                results.push_back(milliseconds_since(start));
                if (killed_at == 0 && results.back() > steady_ms) {
                    killed_at = results.back();
                    (void)::kill(victim, SIGKILL);
                }
            });
    }
    const Recovery found = recovery(results, killed_at, span);
    Line{"killed", service.name()}
        .number("back_ms", found.back_ms)
        .number("least_of_before", found.least)
        .number("pause_ms", longest_pause(results, killed_at))
        .number("pause_before_ms", longest_pause(results, killed_at - 100))
        .number("lost", wanted - results.size())
        .print();
}

}  // namespace jobmill::bench
