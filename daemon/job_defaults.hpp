// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "daemon/job_ask.hpp"
#include "daemon/pool_directory.hpp"

namespace jobmill::daemon {

/// Where JobDefaults keeps what a job gets that asks for nothing.
enum class DefaultsId : std::uint32_t {};
inline constexpr DefaultsId no_defaults{UINT32_MAX};

/// What pools give to jobs that ask for nothing: for each job as it was when that was submitted,
/// and kept once for all that have the same. So a reload changes nothing for those that wait, whose
/// terms the core has, and costs no more where they are a million.
class JobDefaults {
public:
    struct Entry {
        core::JobTerms terms;
        JobLimits limits;
        bool waits_behind_delay = false;
        bool in_force = true;    ///< the next job gets them
        std::uint64_t jobs = 0;  ///< that have them
    };

    /// Those of that pool for a job from now on; of a pool whose settings are others than before
    /// these are kept apart.
    [[nodiscard]] DefaultsId take(PoolId number, const PoolEntry& pool, bool is_command);
    /// One job less has them.
    void release(DefaultsId id);
    [[nodiscard]] const Entry& operator[](DefaultsId id) const { return entries_[index(id)]; }
    /// The same as an ask of the job's own.
    [[nodiscard]] JobAsk ask(DefaultsId id) const;
    /// That some job has, or the next one may have.
    [[nodiscard]] std::size_t size() const { return entries_.size() - free_.size(); }

private:
    /// Of a pool: those of its jobs, and those of commands.
    struct Current {
        std::uint64_t era = 0;
        std::array<DefaultsId, 2> ids{no_defaults, no_defaults};
    };

    [[nodiscard]] static std::size_t index(DefaultsId id) { return static_cast<std::size_t>(id); }
    void renew(Current& pool, const PoolEntry& entry);
    [[nodiscard]] DefaultsId keep(const PoolSettings& pool, bool is_command);
    void drop_unused(DefaultsId id);

    std::vector<Entry> entries_;
    std::vector<DefaultsId> free_;
    std::vector<Current> pools_;  ///< by number
};

}  // namespace jobmill::daemon
