// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "daemon/job_record.hpp"

namespace jobmill::daemon {

/// Jobs that have crashed so many workers that they are not run again by themselves: kept, so that
/// somebody can look at them, and have them run once more after the handler was mended. The oldest
/// go when there are too many.
class SetAside {
public:
    struct Job {
        JobId id{};
        unsigned uid = 0;
        std::string pool;
        std::string handler;
        Submission submission;
        Cause cause;
        core::TimePoint since;
    };
    /// Of all users together. Payloads of that many bytes in all are kept, at least one.
    struct Limits {
        std::size_t jobs = 1000;
        std::uint64_t bytes = std::uint64_t{256} << 20U;
    };

    void set_limits(const Limits& limits)
    {
        limits_ = limits;
        make_room();
    }
    void keep(Job job);
    /// Null when there is none; `all`: of whichever user.
    [[nodiscard]] const Job* find(JobId job, unsigned uid, bool all) const;
    [[nodiscard]] std::optional<Job> take(JobId job);

    /// From the oldest on.
    [[nodiscard]] const std::deque<Job>& jobs() const noexcept { return jobs_; }

private:
    void make_room();

    Limits limits_;
    std::deque<Job> jobs_;
    std::uint64_t bytes_ = 0;
};

}  // namespace jobmill::daemon
