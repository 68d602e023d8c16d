// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client/demo/counts.hpp"
#include "client/demo/ngram_data.hpp"
#include "jobmill/client.hpp"

namespace jobmill::demo {

/// A map-reduce over byte ranges: a job counts one, and what it counted is added as it comes. A
/// range whose worker died is submitted again, a few times in all.
class RangeJobs {
public:
    /// Borrows all of them.
    RangeJobs(Client& client, const std::vector<FileRange>& ranges, std::string_view label);

    /// As many as there is credit for.
    [[nodiscard]] Result<void> submit();
    /// Whether that was one more range.
    [[nodiscard]] Result<bool> on(const ClientEvent& event);

    [[nodiscard]] bool over() const noexcept { return done_ == ranges_.size(); }
    [[nodiscard]] std::size_t done() const noexcept { return done_; }
    [[nodiscard]] std::size_t crashes() const noexcept { return crashes_; }
    /// For who is to kill a worker: in mid-run, until a range was lost by it.
    [[nodiscard]] bool in_the_middle() const noexcept
    {
        return crashes_ == 0 && done_ * 3 >= ranges_.size();
    }
    [[nodiscard]] const Counts& counts() const noexcept { return counts_; }

private:
    Client& client_;
    const std::vector<FileRange>& ranges_;
    std::string_view label_;
    std::deque<std::size_t> waiting_;
    std::unordered_map<std::uint64_t, std::size_t> by_tag_;
    Counts counts_;
    std::size_t done_ = 0;
    std::size_t crashes_ = 0;
};

}  // namespace jobmill::demo
