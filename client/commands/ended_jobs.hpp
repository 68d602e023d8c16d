// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <optional>
#include <unordered_set>
#include <vector>

#include "jobmill/client.hpp"

namespace jobmill::commands {

/// Detached jobs, each answered when it has ended, and not read before: what a session has read of
/// a job is gone, so who waits for the first of several must not touch the others. The daemon tells
/// nobody but a job's reader of its end, so this asks, a few times a second.
class EndedJobs {
public:
    EndedJobs(Client& client, std::vector<JobId> jobs) : client_(client), jobs_(std::move(jobs)) {}

    /// One that has ended, or is not known; none when an interrupt came, or nobody reads our output
    /// any more. To be called while there is one left.
    [[nodiscard]] Result<std::optional<JobId>> next();
    [[nodiscard]] bool empty() const noexcept { return jobs_.empty() && ended_.empty(); }

private:
    // Each is false when an interrupt came, or nobody reads our output any more.
    [[nodiscard]] Result<bool> look();
    [[nodiscard]] Result<bool> look_at(const std::vector<JobId>& some);
    [[nodiscard]] Result<bool> pause();

    Client& client_;
    std::vector<JobId> jobs_;
    std::deque<JobId> ended_;
    std::chrono::milliseconds pause_{10};
};

/// Of a status document: the jobs in it that have not ended.
[[nodiscard]] std::unordered_set<JobId> unfinished_of(const Value& status);

}  // namespace jobmill::commands
