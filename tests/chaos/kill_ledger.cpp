// SPDX-License-Identifier: MIT
#include "tests/chaos/kill_ledger.hpp"

#include <algorithm>
#include <map>

namespace jobmill::chaos {

std::vector<std::size_t> KillLedger::unexplained()
{
    std::sort(kills_.begin(), kills_.end());
    std::sort(deaths_.begin(), deaths_.end(),
              [](const Death& a, const Death& b) { return a.from < b.from; });
    std::vector<std::size_t> jobs;
    std::multimap<std::int64_t, std::size_t> open;  // by the end of their time
    const auto give_up_before = [&](std::int64_t time) {
        for (; !open.empty() && open.begin()->first < time; open.erase(open.begin())) {
            jobs.push_back(open.begin()->second);
        }
    };
    // Each kill goes to the death that has the least time left for another.
    auto next = deaths_.begin();
    for (const std::int64_t kill : kills_) {
        for (; next != deaths_.end() && next->from <= kill; ++next) {
            open.emplace(next->to, next->job);
        }
        give_up_before(kill);
        if (!open.empty()) {
            open.erase(open.begin());
        }
    }
    for (; next != deaths_.end(); ++next) {
        open.emplace(next->to, next->job);
    }
    give_up_before(INT64_MAX);
    return jobs;
}

}  // namespace jobmill::chaos
