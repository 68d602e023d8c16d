// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/limits.hpp"
#include "jobmill/job_state.hpp"

namespace jobmill::daemon {

/// Tells the CPU time of the job in which a worker dies from all that it took before: its own time
/// is read when a job begins, that of its children is what jobs have reported beyond it. Reports
/// alone would not do: those of short jobs are estimates, and nothing is reported between jobs.
class WorkerCpu {
public:
    /// It is offered a job and has run for so long itself, children aside.
    void begin(std::uint64_t own_ns)
    {
        const std::uint64_t own_part = own_ns > own_before_ ? own_ns - own_before_ : 0;
        children_ += last_ > own_part ? last_ - own_part : 0;
        last_ = 0;
        own_before_ = std::max(own_before_, own_ns);
    }

    /// Its word for the job, which ran for so long: bounded, since it may be anything. Of short
    /// ones the time is an estimate; else it is but the peak, as of commands.
    void reported(const Usage& usage, std::uint64_t run_ns)
    {
        const bool estimate = usage.approximate && run_ns < limits::exact_usage_ns;
        last_ = estimate ? 0 : std::min(usage.cpu_ns.value_or(0), longest);
    }

    /// Of its last job, when it is dead and has taken so much in all, children included.
    [[nodiscard]] std::uint64_t of_last(std::uint64_t total_ns) const
    {
        const std::uint64_t before = own_before_ + children_;
        return total_ns > before ? total_ns - before : 0;
    }

private:
    static constexpr std::uint64_t longest = std::uint64_t{365} * 24 * 3600 * 1'000'000'000;

    std::uint64_t own_before_ = 0;
    std::uint64_t children_ = 0;
    std::uint64_t last_ = 0;  ///< what the last job has reported
};

}  // namespace jobmill::daemon
