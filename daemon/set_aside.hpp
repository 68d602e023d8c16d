// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "daemon/job_record.hpp"

namespace jobmill::daemon {

/// Jobs that have crashed so many workers that they are not run again by themselves: kept, so that
/// somebody can look at them, and have them run once more after the handler was mended. When there
/// are too many, those of the user go who has most, the oldest first: nobody pushes out another's.
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

    /// In the order in which they came.
    using Jobs = std::map<std::uint64_t, Job>;
    [[nodiscard]] const Jobs& jobs() const noexcept { return jobs_; }

private:
    /// What one user has of it.
    struct Share {
        std::set<std::uint64_t> places;
        std::uint64_t bytes = 0;
    };

    void make_room();
    Job remove(Jobs::iterator at);

    Limits limits_;
    Jobs jobs_;
    std::map<unsigned, Share> shares_;
    std::uint64_t bytes_ = 0;
    std::uint64_t last_place_ = 0;
};

}  // namespace jobmill::daemon
