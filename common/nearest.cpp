// SPDX-License-Identifier: MIT
#include "common/nearest.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "common/limits.hpp"

namespace jobmill {
namespace {

/// Insertions, deletions, replacements and swaps of neighbours that make one word of the other.
std::size_t distance(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> above(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(above.begin(), above.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
        before.swap(above);
        above.swap(row);
    }
    return above[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates)
{
    std::string_view best;
    // One slip in three letters; more is another word.
    std::size_t allowed = std::min<std::size_t>(word.size() / 3, 3);
    if (word.size() > limits::name) {
        return best;
    }
    for (const std::string_view candidate : candidates) {
        const std::size_t gap =
            std::max(word.size(), candidate.size()) - std::min(word.size(), candidate.size());
        if (gap > allowed) {
            continue;
        }
        const std::size_t slips = distance(word, candidate);
        if (slips < allowed || (slips == allowed && best.empty())) {
            best = candidate;
            allowed = slips;
        }
    }
    return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates)
{
    const std::string_view candidate = nearest(word, candidates);
    return candidate.empty() ? "" : "; did you mean \"" + std::string{candidate} + "\"?";
}

}  // namespace jobmill
