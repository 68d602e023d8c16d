// SPDX-License-Identifier: MIT
#include "client/demo/counts.hpp"

#include <algorithm>
#include <charconv>

namespace jobmill::demo {

void Counts::add(std::string_view text, std::uint64_t count)
{
    if (text.empty()) {
        return;
    }
    if (const auto found = counts_.find(text); found != counts_.end()) {
        found->second += count;
    } else {
        counts_.emplace(text, count);
    }
}

bool Counts::merge(std::string_view lines)
{
    const char* at = lines.data();
    const char* const end = at + lines.size();
    while (at != end) {
        const char* const tab = std::find(at, end, '\t');
        if (tab == end) {
            return false;
        }
        std::uint64_t count = 0;
        const auto [rest, error] = std::from_chars(tab + 1, end, count);
        if (error != std::errc{} || rest == end || *rest != '\n') {
            return false;
        }
        add({at, static_cast<std::size_t>(tab - at)}, count);
        at = rest + 1;
    }
    return true;
}

std::uint64_t Counts::of(std::string_view text) const
{
    const auto found = counts_.find(text);
    return found == counts_.end() ? 0 : found->second;
}

std::vector<std::pair<std::string, std::uint64_t>> Counts::largest(std::size_t n) const
{
    std::vector<std::pair<std::string, std::uint64_t>> top(std::min(n, counts_.size()));
    std::partial_sort_copy(counts_.begin(), counts_.end(), top.begin(), top.end(),
                           [](const auto& a, const auto& b) { return a.second > b.second; });
    return top;
}

std::string Counts::lines() const
{
    std::string text;
    for (const auto& [word, count] : counts_) {
        text += word;
        text += '\t';
        text += std::to_string(count);
        text += '\n';
    }
    return text;
}

}  // namespace jobmill::demo
